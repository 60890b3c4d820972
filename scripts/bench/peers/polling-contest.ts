/** gate and Node-RED, polling the same HTTP devices. */
import type { Bench } from '../benchmark.ts';
import { gatePolling, nodeRedPolling, type Polling } from '../http.ts';
import { NODE_RED } from '../http-node-red.ts';
import { quantile } from '../quantiles.ts';
import { cpu, megabytes, ms } from '../units.ts';
import { type Contest, type Figures, GATE, roundOf } from './contest.ts';

const LATE = 'lateness of a poll, p99';
const CPU = 'CPU, of one core';
const RSS = 'RSS';

const figuresOf = ({ late, processes }: Polling): Figures =>
  new Map([
    [LATE, quantile(late, 0.99)],
    [CPU, processes.reduce((sum, each) => sum + each.cpu, 0)],
    [RSS, processes.reduce((sum, each) => sum + each.rss, 0)],
  ]);

async function prepared(bench: Bench) {
  const windowMs = bench.short ? 30_000 : 60_000;
  return (nth: number) =>
    roundOf(
      bench,
      [
        [GATE, async (each) => figuresOf((await gatePolling(each, windowMs)).polling)],
        [NODE_RED, async (each) => figuresOf(await nodeRedPolling(each, windowMs))],
      ],
      nth,
    );
}

export const pollingContest: Contest = {
  name: 'polling',
  title: 'HTTP: 500 devices polled every 10 s',
  figures: [
    { name: LATE, show: ms, why: 'a poll waits for nothing but its turn on either side' },
    {
      name: CPU,
      show: cpu,
      why: 'gate checks each answer, has it on disk with fsync and tells it to whoever listens; the flow appends a line to a file',
    },
    { name: RSS, show: (bytes) => `${megabytes(bytes)} MB`, why: 'gate runs two processes' },
  ],
  how: ['As in the benchmark `http` below.'],
  prepare: prepared,
};
