/** How many requests for a page of readings the daemon answers in a second, asked by autocannon with one core of load. */
import autocannon from 'autocannon';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { type Filled, fillStore, startDaemon } from './filled-gateway.ts';
import { DEVICES, waitUntil } from './loaded-gateway.ts';
import { monotonicMs } from './monotonic.ts';
import { cpuSecondsOf } from './process-figures.ts';
import { count, cpu, ms } from './units.ts';

const READINGS = 1_000_000;
const SPREAD_MS = 30 * 86_400_000;
const CONNECTIONS = 20;
const WARM_UP_S = 5;
const AIM_REQUESTS = 3_000;
const AIM_P99_MS = 20;

interface Kind {
  name: string;
  paths: string[];
}

interface Measured extends Kind {
  perSecond: number;
  p50: number;
  p99: number;
  max: number;
  daemonCpu: number;
  loadCpu: number;
}

const DATA = 'GET …/data: the documented call as it is, a page of 10';
const NEWEST = 'GET …/data?sort=-ts: the newest page of 10';

function kindsFor({ ids }: Filled): Kind[] {
  const each = (query: string) => ids.map((id) => `/device/v1/devices/${id}/data${query}`);
  return [
    { name: DATA, paths: each('') },
    { name: NEWEST, paths: each('?sort=-ts') },
    { name: '/health/live (HTTP without the store)', paths: ['/health/live'] },
  ];
}

/** @throws when an answer is not 2xx, or there is none */
async function load(url: string, paths: readonly string[], seconds: number): Promise<autocannon.Result> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: paths.map((path) => ({ method: 'GET', path })),
  });
  if (result.errors + result.timeouts + result.non2xx > 0)
    throw new Error(
      `${result.errors} errors, ${result.timeouts} timeouts, ${result.non2xx} not 2xx: ${paths[0]}`,
    );
  return result;
}

async function measure(kind: Kind, daemon: { url: string; pid: number }, seconds: number): Promise<Measured> {
  await load(daemon.url, kind.paths, WARM_UP_S);
  const startedAtMs = monotonicMs();
  const [before, own] = [cpuSecondsOf(daemon.pid), cpuSecondsOf(process.pid)];
  const { requests, latency, duration } = await load(daemon.url, kind.paths, seconds);
  const elapsedS = (monotonicMs() - startedAtMs) / 1_000;
  return {
    ...kind,
    perSecond: requests.total / duration,
    p50: latency.p50,
    p99: latency.p99,
    max: latency.max,
    daemonCpu: (cpuSecondsOf(daemon.pid) - before) / elapsedS,
    loadCpu: (cpuSecondsOf(process.pid) - own) / elapsedS,
  };
}

async function run(bench: Bench): Promise<Section> {
  const seconds = bench.short ? 5 : 20;
  const dataFolder = bench.scope.folder();
  bench.say(`building a store of ${count(READINGS)}`);
  const filled = await fillStore(bench, dataFolder, {
    devices: DEVICES,
    readings: READINGS,
    spreadMs: SPREAD_MS,
  });
  const daemon = await startDaemon(bench, dataFolder);
  const results: Measured[] = [];
  for (const kind of kindsFor(filled)) {
    bench.say(kind.name);
    results.push(await measure(kind, { url: daemon.url, pid: daemon.process.pid ?? 0 }, seconds));
    // what the last kind left to collect is not the next one’s
    await waitUntil(monotonicMs() + 500);
  }
  await daemon.stop();
  const aims = results.slice(0, 2).flatMap(({ name, perSecond, p99 }) => [
    {
      what: `requests/s, ${name}`,
      aim: `≥ ${count(AIM_REQUESTS)}`,
      measured: count(perSecond),
      met: perSecond >= AIM_REQUESTS,
    },
    { what: `p99, ${name}`, aim: `≤ ${AIM_P99_MS} ms`, measured: ms(p99), met: p99 <= AIM_P99_MS },
  ]);
  return {
    title: `Requests: pages of readings under load, ${count(READINGS)} readings`,
    aims,
    tables: [
      {
        title: `${CONNECTIONS} connections, each asking as soon as it is answered`,
        rows: [
          ['', 'requests/s', 'p50', 'p99', 'max', 'daemon, of one core', 'load, of one core'],
          ...results.map(({ name, perSecond, p50, p99, max, daemonCpu, loadCpu }) => [
            name,
            count(perSecond),
            ms(p50),
            ms(p99),
            ms(max),
            cpu(daemonCpu),
            cpu(loadCpu),
          ]),
        ],
      },
    ],
    notes: [],
    how: [
      `A store of ${DEVICES} devices as in query, served by the built daemon; no limit of requests. The devices are asked in turn.`,
      `autocannon in one thread, so that its load is one core at most, ${CONNECTIONS} connections without pipelining, for ${seconds} s after ${WARM_UP_S} s to warm up. Any error, timeout or status other than 2xx fails the benchmark.`,
    ],
  };
}

export const requests: Benchmark = { name: 'requests', run };
