/** The parts of `docs/benchmarks.md`, in order: what is measured side by side first, then each benchmark. */
import type { Benchmark } from './benchmark.ts';
import { cloud } from './cloud.ts';
import { command } from './command.ts';
import { dashboard } from './dashboard.ts';
import { footprint } from './footprint.ts';
import { history } from './history.ts';
import { http } from './http.ts';
import { ingest } from './ingest.ts';
import { knx } from './knx.ts';
import { latency } from './latency.ts';
import { query } from './query.ts';
import { requests } from './requests.ts';
import { sockets } from './sockets.ts';
import { zigbee } from './zigbee.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  ingest,
  latency,
  query,
  requests,
  history,
  command,
  sockets,
  knx,
  http,
  zigbee,
  cloud,
  dashboard,
  footprint,
];
export const PEERS_PART = 'peers';
export const PARTS: readonly string[] = [PEERS_PART, ...BENCHMARKS.map(({ name }) => name)];
