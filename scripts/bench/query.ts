/**
 * How long a page of readings takes over HTTP, in stores of different size: it must not grow with the store. Beside
 * it the same SQL on `node:sqlite` in this process, and the same daemon answering a request that needs no store.
 */
import { Agent } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Daemon } from '../../test/support/daemon.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { type Filled, fillStore, startDaemon, timedGet } from './filled-gateway.ts';
import { DEVICES } from './loaded-gateway.ts';
import { quantile } from './quantiles.ts';
import { count, ratio } from './units.ts';

const DAY_MS = 86_400_000;
const SPREAD_DAYS = 30;
const REQUESTS = 500;
const WARM_UP_REQUESTS = 300;
const DEEP_PAGE = 1_000;
const DEEP_PER_PAGE = [5, 10, 100];
const RANGE_SHARE = 0.1;

interface Store extends Filled {
  readings: number;
}

/** One kind of query: its name and the path of the nth request. */
interface Kind {
  name: string;
  path: (n: number) => string;
}

/** Names of kinds → sorted times in ms. */
type Times = Map<string, number[]>;

interface Measured {
  readings: number;
  buildMs: number;
  times: Times;
}

const NEWEST = 'newest page of 10';
const RAW = 'the newest page’s SQL on bare node:sqlite';
const LIVE = '/health/live (HTTP without the store)';

function kindsFor({ readings, ids, firstTs, lastTs }: Store): Kind[] {
  const spreadMs = lastTs - firstTs;
  const rangeMs = Math.floor(spreadMs * RANGE_SHARE);
  const of = (n: number) => `/device/v1/devices/${ids[n % ids.length]}/data`;
  const deep = DEEP_PER_PAGE.filter((perPage) => readings / DEVICES >= DEEP_PAGE * perPage);
  return [
    { name: LIVE, path: () => '/health/live' },
    { name: NEWEST, path: (n) => `${of(n)}?sort=-ts&perPage=10` },
    ...deep.map((perPage) => ({
      name: deepName(perPage),
      path: (n: number) => `${of(n)}?sort=-ts&perPage=${perPage}&page=${DEEP_PAGE}`,
    })),
    {
      name: rangeName,
      path: (n) => {
        const begin = firstTs + Math.floor(((n * 0.618) % 1) * (spreadMs - rangeMs));
        return `${of(n)}?start=${begin}&end=${begin + rangeMs}&perPage=10`;
      },
    },
  ];
}

const deepName = (perPage: number) => `page ${count(DEEP_PAGE)} of ${perPage}`;
const rangeName = `first page of 10 in a tenth of the time, with its totalItems`;

async function timesOf(daemon: Daemon, store: Store): Promise<Times> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: Times = new Map();
  try {
    for (const { name, path } of kindsFor(store)) {
      const samples: number[] = [];
      for (let n = -WARM_UP_REQUESTS; n < REQUESTS; n += 1) {
        const { ms, body } = await timedGet(agent, daemon.url + path(Math.abs(n)));
        if (name !== LIVE && (JSON.parse(body) as { data: [] }).data.length === 0)
          throw new Error(`an empty page: ${path(Math.abs(n))}`);
        if (n >= 0) samples.push(ms);
      }
      times.set(name, samples);
    }
  } finally {
    agent.destroy();
  }
  return times;
}

/** The newest page as the store asks for it, without counting and without HTTP. */
function rawTimes(file: string): number[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const page = database.prepare(`
    SELECT seq, ts, shape, vals FROM reading WHERE seq IN (
      SELECT seq FROM reading WHERE dev = ? AND ts BETWEEN ? AND ? ORDER BY ts DESC, seq DESC LIMIT ? OFFSET ?
    ) ORDER BY ts DESC, seq DESC`);
  const keys = database
    .prepare('SELECT DISTINCT dev FROM reading_count')
    .all()
    .map(({ dev }) => Number(dev));
  const samples: number[] = [];
  for (let n = -WARM_UP_REQUESTS; n < REQUESTS; n += 1) {
    const key = keys[Math.abs(n) % keys.length] as number;
    const startedAt = performance.now();
    const rows = page.all(key, 0, Number.MAX_SAFE_INTEGER, 10, 0);
    const ms = performance.now() - startedAt;
    if (rows.length !== 10) throw new Error('an empty page of raw SQL');
    if (n >= 0) samples.push(ms);
  }
  database.close();
  return samples;
}

async function measure(bench: Bench, readings: number): Promise<Measured> {
  const dataFolder = bench.scope.folder();
  bench.say(`building a store of ${count(readings)}`);
  const what = { devices: DEVICES, readings, spreadMs: SPREAD_DAYS * DAY_MS };
  const store = { readings, ...(await fillStore(bench, dataFolder, what)) };
  bench.say(`built in ${(store.ms / 1_000).toFixed(1)} s; asking`);
  const daemon = await startDaemon(bench, dataFolder);
  const times = await timesOf(daemon, store);
  times.set(RAW, rawTimes(join(dataFolder, 'gate.db')));
  await daemon.stop();
  return { readings, buildMs: store.ms, times };
}

async function run(bench: Bench): Promise<Section> {
  const sizes = bench.short ? [100_000, 1_000_000] : [100_000, 1_000_000, 5_000_000];
  const stores: Measured[] = [];
  for (const readings of sizes) stores.push(await measure(bench, readings));
  const figures = ({ times }: Measured, name: string): string => {
    const samples = times.get(name);
    if (!samples) return '–';
    return [0.5, 0.99].map((q) => quantile(samples, q).toFixed(2)).join(' / ');
  };
  const growth = (name: string): { p50: number; text: string } | undefined => {
    const having = stores.flatMap(({ times }) => times.get(name) ?? []).length > 0 ? stores : [];
    const [first, last] = [
      having.find(({ times }) => times.has(name)),
      having.findLast(({ times }) => times.has(name)),
    ];
    if (!first || !last || first === last) return undefined;
    const p50Of = ({ times }: Measured) => quantile(times.get(name) ?? [], 0.5);
    return { p50: p50Of(last) / p50Of(first), text: ratio(p50Of(last), p50Of(first)) };
  };
  const names = [NEWEST, ...DEEP_PER_PAGE.map(deepName), rangeName, LIVE, RAW].filter((name) =>
    stores.some(({ times }) => times.has(name)),
  );
  const asked = [NEWEST, deepName(DEEP_PER_PAGE[0] as number), rangeName];
  return {
    title: 'Query: a page of one device’s readings over HTTP',
    aims: asked.map((name) => ({
      what: `${name}: p50 at ${count(sizes.at(-1) as number)} to ${count(sizes[0] as number)} readings`,
      aim:
        'does not grow with the store (at most 2 ×, where the store grows ' +
        `${count((sizes.at(-1) as number) / (sizes[0] as number))} ×)`,
      measured: growth(name)?.text ?? '–',
      met: (growth(name)?.p50 ?? Number.POSITIVE_INFINITY) <= 2,
    })),
    tables: [
      {
        title: 'p50 / p99 in ms',
        rows: [
          ['', ...stores.map(({ readings }) => `${count(readings)} readings`), 'p50, largest to smallest'],
          ...names.map((name) => [
            name,
            ...stores.map((store) => figures(store, name)),
            growth(name)?.text ?? '–',
          ]),
        ],
      },
      {
        title: 'HTTP and all to the bare SQL, newest page, p50',
        rows: [
          stores.map(({ readings }) => `${count(readings)} readings`),
          stores.map(({ times }) =>
            ratio(quantile(times.get(NEWEST) ?? [], 0.5), quantile(times.get(RAW) ?? [], 0.5)),
          ),
        ],
      },
    ],
    notes: stores.map(
      ({ readings, buildMs }) =>
        `${count(readings)} readings were built in ${(buildMs / 1_000).toFixed(1)} s (${count((readings * 1_000) / buildMs)}/s).`,
    ),
    how: [
      `Each store is built by the product’s own \`ReadingWriter\` and packed: ${DEVICES} devices in turn, spread over ${SPREAD_DAYS} days; retention is set so that nothing is deleted. Then the built daemon serves it.`,
      `${REQUESTS} requests of each kind, after ${WARM_UP_REQUESTS} to warm up, one after the other over one kept-alive connection to the LAN port, the devices in turn; each is timed from the request to the last byte of its answer. Ranges begin at different moments, so that their edges do not lie on whole hours. The files are in the kernel’s cache.`,
      `Page ${count(DEEP_PAGE)} is asked for with as many readings a page as the devices have for it: –, where they have not.`,
      'Bare SQL: the statement of the store for the newest page, prepared once, in this process; no count, no HTTP, no JSON.',
    ],
  };
}

export const query: Benchmark = { name: 'query', run };
