/**
 * What the gateway costs a small box: how long it takes to start, what it holds in memory while nothing happens, and
 * whether that stays flat while readings come in. Beside it a Node that does nothing.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Daemon } from '../../test/support/daemon.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { DEVICES, startLoadedGateway, waitUntil } from './loaded-gateway.ts';
import { monotonicMs } from './monotonic.ts';
import { addonsOf, type Memory, memoryOf } from './process-figures.ts';
import { median, slope } from './quantiles.ts';
import { count, mebibytes, megabytes, ms, ratio } from './units.ts';

const STARTS = 5;
const START_DEADLINE_MS = 30_000;
const POLL_MS = 3;
/** Seldom enough that asking is no load of its own. */
const CALM_POLL_MS = 500;
const IDLE_MS = 20_000;
const PREINSTALLED = ['http', 'virtual'];
const READINGS_PER_SECOND = 1_000;
/** Until the heap has been collected as a whole and the repeat window is full, memory grows. */
const WARM_UP_MS = 180_000;
const WARM_UP_SHORT_MS = 20_000;
const AIM_READY_MS = 1_000;
const AIM_DAEMON_BYTES = 90e6;
const AIM_ADDON_BYTES = 60e6;
/** Growth over ten minutes below which memory counts as flat. */
const FLAT_SHARE = 0.05;

interface Start {
  liveMs: number;
  addonsMs: number;
}

interface Ready {
  parts: Record<string, { state: string }>;
}

async function asSoonAs(what: string, probe: () => Promise<boolean>, pollMs: number): Promise<number> {
  const endsAt = performance.now() + START_DEADLINE_MS;
  while (performance.now() < endsAt) {
    if (await probe().catch(() => false)) return performance.now();
    await pause(pollMs);
  }
  throw new Error(`${what}: not so within ${START_DEADLINE_MS} ms`);
}

async function timedStart(
  { scope }: Bench,
  dataFolder: string,
  pollMs = POLL_MS,
): Promise<{ daemon: Daemon; start: Start }> {
  const startedAt = performance.now();
  const daemon = scope.spawnDaemon(dataFolder);
  const live = await asSoonAs(
    'the daemon answers',
    async () => (await daemon.api.call('GET', '/health/live')).status === 200,
    pollMs,
  );
  const addonsRun = async () => {
    const { parts } = (await daemon.api.call<Ready>('GET', '/health/ready')).body;
    return PREINSTALLED.every((slug) => parts[`addon:${slug}`]?.state === 'running');
  };
  const running = await asSoonAs('both add-ons run', addonsRun, pollMs);
  return { daemon, start: { liveMs: live - startedAt, addonsMs: running - startedAt } };
}

async function starts(bench: Bench): Promise<{ cold: Start[]; cached: Start[] }> {
  const [cold, cached]: [Start[], Start[]] = [[], []];
  for (let n = 0; n < STARTS; n += 1) {
    const dataFolder = bench.scope.folder();
    for (const list of [cold, cached]) {
      const { daemon, start } = await timedStart(bench, dataFolder);
      await daemon.stop();
      list.push(start);
    }
  }
  return { cold, cached };
}

/** Memory of the daemon, of its add-ons and of a bare Node after a quiet time. */
async function idle(bench: Bench): Promise<Map<string, Memory>> {
  const dataFolder = bench.scope.folder();
  await (await timedStart(bench, dataFolder)).daemon.stop();
  const { daemon } = await timedStart(bench, dataFolder, CALM_POLL_MS);
  const bare = bench.scope.spawn(['-e', 'setInterval(()=>{},1e3)']);
  await pause(IDLE_MS);
  const pid = daemon.process.pid ?? 0;
  const memory = new Map([['daemon', memoryOf(pid)]]);
  for (const [slug, addonPid] of addonsOf(pid)) memory.set(`add-on ${slug}`, memoryOf(addonPid));
  memory.set('bare node', memoryOf(bare.pid ?? 0));
  bare.kill('SIGKILL');
  await daemon.stop();
  return memory;
}

interface Sample {
  minutes: number;
  daemon: Memory;
  addon: Memory;
}

/** The first sample is from the begin of the warm-up, the others are from the measured time. */
async function underLoad(bench: Bench): Promise<[begin: Sample, ...measured: Sample[]]> {
  const measureMs = bench.short ? 60_000 : 600_000;
  const everyMs = bench.short ? 2_000 : 10_000;
  const job = {
    devices: DEVICES,
    readingsPerSecond: READINGS_PER_SECOND,
    warmUpMs: bench.short ? WARM_UP_SHORT_MS : WARM_UP_MS,
    measureMs,
    stamped: false,
  };
  const { daemon, addonPid, begun } = await startLoadedGateway(bench.scope, job);
  const sample = (): Sample => ({
    minutes: (monotonicMs() - begun.measureFromMs) / 60_000,
    daemon: memoryOf(daemon.process.pid ?? 0),
    addon: memoryOf(addonPid),
  });
  const samples: [Sample, ...Sample[]] = [sample()];
  for (let atMs = begun.measureFromMs; atMs <= begun.measureToMs; atMs += everyMs) {
    await waitUntil(atMs);
    samples.push(sample());
  }
  await daemon.stop();
  return samples;
}

interface Course {
  first: number;
  last: number;
  max: number;
  slope: number;
  slopeOfSecondHalf: number;
  firstAnon: number;
  lastAnon: number;
}

function courseOf(samples: readonly Sample[], of: 'daemon' | 'addon'): Course {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const medianOf = (some: readonly Sample[], key: keyof Memory) =>
    median(some.map((sample) => sample[of][key]));
  const slopeOf = (some: readonly Sample[]) =>
    slope(some.map((sample) => ({ x: sample.minutes, y: sample[of].rss })));
  const [head, tail] = [samples.slice(0, tenth), samples.slice(-tenth)];
  return {
    first: medianOf(head, 'rss'),
    last: medianOf(tail, 'rss'),
    max: Math.max(...samples.map((sample) => sample[of].rss)),
    slope: slopeOf(samples),
    slopeOfSecondHalf: slopeOf(samples.slice(Math.floor(samples.length / 2))),
    firstAnon: medianOf(head, 'anon'),
    lastAnon: medianOf(tail, 'anon'),
  };
}

const both = (bytes: number) => `${megabytes(bytes)} (${mebibytes(bytes)})`;

async function run(bench: Bench): Promise<Section> {
  bench.say(`${STARTS} × 2 starts`);
  const { cold, cached } = await starts(bench);
  bench.say('idle memory');
  const memory = await idle(bench);
  bench.say(`memory at ${count(READINGS_PER_SECOND)} readings a second`);
  const [begin, ...samples] = await underLoad(bench);
  const courses = { daemon: courseOf(samples, 'daemon'), 'add-on': courseOf(samples, 'addon') };

  const medianOf = (list: Start[], key: keyof Start) => median(list.map((start) => start[key]));
  const rssOf = (name: string) => memory.get(name)?.rss ?? Number.NaN;
  const addons = [...memory.keys()].filter((name) => name.startsWith('add-on'));
  const smallest = addons.toSorted((a, b) => rssOf(a) - rssOf(b))[0] ?? '';
  const startRow = (name: string, list: Start[]) => [
    name,
    ...(['liveMs', 'addonsMs'] as const).flatMap((key) => [
      ms(medianOf(list, key)),
      `${Math.round(Math.min(...list.map((start) => start[key])))}–${Math.round(Math.max(...list.map((start) => start[key])))}`,
    ]),
  ];
  const flat = ({ first, last }: Course) => last / first - 1;
  const percent = (share: number) => `${share >= 0 ? '+' : '−'}${(Math.abs(share) * 100).toFixed(1)} %`;
  const signed = (bytes: number) => `${bytes >= 0 ? '+' : '−'}${megabytes(Math.abs(bytes))}`;
  return {
    title: 'Footprint: start and memory',
    aims: [
      ...[
        { name: 'first start', list: cold },
        { name: 'start with a filled compile cache', list: cached },
      ].map(({ name, list }) => ({
        what: `ready, ${name}`,
        aim: `≤ ${AIM_READY_MS} ms`,
        measured: `API ${ms(medianOf(list, 'liveMs'))}, both add-ons ${ms(medianOf(list, 'addonsMs'))}`,
        met: medianOf(list, 'addonsMs') <= AIM_READY_MS,
      })),
      {
        what: 'idle RSS of the daemon',
        aim: `≤ ${megabytes(AIM_DAEMON_BYTES)} MB`,
        measured: `${megabytes(rssOf('daemon'))} MB`,
        met: rssOf('daemon') <= AIM_DAEMON_BYTES,
      },
      {
        what: `idle RSS of a small add-on (${smallest.replace('add-on ', '')})`,
        aim: `≤ ${megabytes(AIM_ADDON_BYTES)} MB`,
        measured: `${megabytes(rssOf(smallest))} MB`,
        met: rssOf(smallest) <= AIM_ADDON_BYTES,
      },
      ...Object.entries(courses).map(([name, course]) => ({
        what: `RSS of the ${name} under load, last tenth to first`,
        aim: `flat (less than ${percent(FLAT_SHARE)})`,
        measured: percent(flat(course)),
        met: flat(course) < FLAT_SHARE,
      })),
    ],
    tables: [
      {
        title: `Start, median of ${STARTS} (and from–to, ms)`,
        rows: [
          ['', 'API answers', 'from–to', 'both add-ons run', 'from–to'],
          startRow('first start: new data folder, empty compile cache', cold),
          startRow('second start: filled compile cache', cached),
        ],
      },
      {
        title: `Idle memory after ${IDLE_MS / 1_000} s, MB (MiB)`,
        rows: [
          ['', 'RSS', 'RssAnon', 'RssFile', 'to bare node'],
          ...[...memory].map(([name, { rss, anon, file }]) => [
            name,
            both(rss),
            both(anon),
            both(file),
            name === 'bare node' ? '' : ratio(rss, rssOf('bare node')),
          ]),
        ],
      },
      {
        title: `RSS at ${count(READINGS_PER_SECOND)} readings a second for ${bench.short ? 1 : 10} min, MB`,
        rows: [
          [
            '',
            'begin of the warm-up',
            'first tenth, median',
            'last tenth, median',
            'max',
            'slope, MB/min',
            'slope of the second half',
            'RssAnon first → last',
          ],
          ...Object.entries(courses).map(([name, course]) => [
            name,
            megabytes(begin[name === 'daemon' ? 'daemon' : 'addon'].rss),
            megabytes(course.first),
            megabytes(course.last),
            megabytes(course.max),
            signed(course.slope),
            signed(course.slopeOfSecondHalf),
            `${megabytes(course.firstAnon)} → ${megabytes(course.lastAnon)}`,
          ]),
        ],
      },
    ],
    notes: [
      'MB is 10⁶ bytes, MiB 2²⁰. RssFile is what is mapped from files, almost all of it the code of Node itself, which the processes on a box share.',
    ],
    how: [
      `Start: from the spawn of the built daemon until \`/health/live\` answers on the Unix socket, and until \`/health/ready\` shows both preinstalled add-ons (${PREINSTALLED.join(', ')}) as running; asked every ${POLL_MS} ms, which shares the cores. First and second start alternate, each pair in a new data folder. The files are in the kernel’s cache.`,
      `Idle: the second start in a data folder, no device, no client; asked every ${CALM_POLL_MS} ms until it is up; /proc/<pid>/status after ${IDLE_MS / 1_000} s. Bare node: \`node -e "setInterval(()=>{},1e3)"\` for the same time.`,
      `Under load: as in latency, one client that takes everything, sampled every ${bench.short ? 2 : 10} s, after a warm-up of ${(bench.short ? WARM_UP_SHORT_MS : WARM_UP_MS) / 1_000} s: until the heap has been collected as a whole and the repeat window is full, memory grows to its working size.`,
    ],
  };
}

export const footprint: Benchmark = { name: 'footprint', run };
