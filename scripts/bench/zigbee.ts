/**
 * The Zigbee add-on beside zigbee2mqtt: the same simulated stick with the same devices, one side after the other in the
 * same run.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { installNpmPeer, NPM_PEERS } from '../peers/npm-peers.ts';
import { installPeers } from '../peers/peers.ts';
import type { Aim, Bench, Benchmark, Section, Table } from './benchmark.ts';
import { freePort } from './free-port.ts';
import { median, quantile } from './quantiles.ts';
import { type Channel, ended } from './scope.ts';
import { count, megabytes, ms, ratio } from './units.ts';
import { Zigbee2mqttSide } from './zigbee-2mqtt.ts';
import { GateSide } from './zigbee-gate.ts';
import { Measured, type Memories } from './zigbee-runs.ts';
import type { Side } from './zigbee-side.ts';
import type { Placed } from './zigbee-stick.ts';

const SIZES = [200, 1_000] as const;
const [HOUSE, LARGE] = SIZES;
/** A busy house, and as many as one radio channel carries. */
const RATES = [20, 100] as const;
const WINDOW_MS = 25;
const WARM_UP_MS = 3_000;
const FLOOD_WARM_UP = 5_000;
/** How far a flood may be ahead of what the client has: each side is best at another one. */
const FLOOD_AHEAD = [100, 300, 1_000] as const;

interface Figures {
  readyMs: number[];
  latencies: Map<number, number[]>;
  commands: number[];
  perSecond: number;
  memory: Map<number, Map<string, Memories>>;
}

type Sides = readonly [ours: Side, theirs: Side];

interface Thoroughness {
  starts: number;
  measureMs: number;
  commands: number;
  flood: number;
  restMs: number;
}
const FULL: Thoroughness = { starts: 7, measureMs: 30_000, commands: 500, flood: 30_000, restMs: 20_000 };
const SHORT: Thoroughness = { starts: 3, measureMs: 8_000, commands: 100, flood: 10_000, restMs: 8_000 };

async function startStick(
  bench: Bench,
  port: number,
  devices: number,
): Promise<{ stick: Channel; placed: Placed }> {
  const stick = bench.scope.fork('zigbee-stick.ts', [String(port), String(devices)]);
  return { stick, placed: await stick.next<Placed>() };
}

/** Both sides with the same devices, from one stick; each is then run on sticks of its own that are like it. */
async function prepare(bench: Bench, port: number, devices: number): Promise<Sides> {
  bench.say(`${devices} devices are paired`);
  const { stick, placed } = await startStick(bench, port, devices);
  const theirs = await Zigbee2mqttSide.prepare(bench, stick, port);
  const ours = await GateSide.prepare(bench, { stick, placed, port });
  await ended(stick.process);
  return [ours, theirs];
}

async function onStick<T>(
  bench: Bench,
  { side, port, devices }: { side: Side; port: number; devices: number },
  use: (measured: Measured, placed: Placed, readyMs: number) => Promise<T>,
): Promise<T> {
  const { stick, placed } = await startStick(bench, port, devices);
  const running = await side.start();
  const measured = await Measured.of(bench.scope, stick, running);
  const result = await use(measured, placed, running.readyMs);
  await measured.stop();
  await ended(stick.process);
  return result;
}

async function measureHouse(bench: Bench, sides: Sides, port: number): Promise<Figures[]> {
  const how = bench.short ? SHORT : FULL;
  const all = sides.map(
    (): Figures => ({
      readyMs: [],
      latencies: new Map(),
      commands: [],
      perSecond: Number.NaN,
      memory: new Map(),
    }),
  );
  for (let n = 0; n < how.starts; n += 1) {
    bench.say(`start ${n + 1} of ${how.starts}`);
    for (const [index, side] of sides.entries()) {
      await onStick(bench, { side, port, devices: HOUSE }, async (_measured, _placed, readyMs) => {
        all[index]?.readyMs.push(readyMs);
      });
    }
  }
  for (const [index, side] of sides.entries()) {
    const figures = all[index] as Figures;
    await onStick(bench, { side, port, devices: HOUSE }, async (measured, { bulbs }) => {
      bench.say(`${side.name}: memory with ${HOUSE} devices`);
      await measured.wake();
      figures.memory.set(HOUSE, await measured.memory(how.restMs));
      await measured.latencies(RATES[0], WARM_UP_MS);
      for (const rate of RATES) {
        bench.say(`${side.name}: ${rate} reports/s`);
        figures.latencies.set(rate, await measured.latencies(rate, how.measureMs));
      }
      bench.say(`${side.name}: commands`);
      await measured.commands(bulbs, bulbs.length * 2);
      figures.commands = await measured.commands(bulbs, how.commands);
      bench.say(`${side.name}: a flood`);
      await measured.flood(FLOOD_WARM_UP, FLOOD_AHEAD[0]);
      const floods: number[] = [];
      for (const ahead of FLOOD_AHEAD) {
        await pause(1_000);
        floods.push(await measured.flood(how.flood, ahead));
      }
      bench.say(`${side.name}: ${floods.map(count).join(', ')} reports/s`);
      figures.perSecond = Math.max(...floods);
    });
  }
  return all;
}

/** What a commit of one row takes, by the disk alone. */
async function bareCommits(bench: Bench): Promise<number[]> {
  bench.say('bare commits');
  const total = bench.short ? 100 : 400;
  const args = [join(bench.scope.folder(), 'bare.db'), String(total), String(RATES[0])];
  return bench.scope.fork('bare-commits.ts', args).next<number[]>();
}

async function measureLarge(
  bench: Bench,
  sides: Sides,
  port: number,
  all: readonly Figures[],
): Promise<void> {
  const { restMs } = bench.short ? SHORT : FULL;
  for (const [index, side] of sides.entries()) {
    bench.say(`${side.name}: memory with ${LARGE} devices`);
    await onStick(bench, { side, port, devices: LARGE }, async (measured) => {
      await measured.wake();
      all[index]?.memory.set(LARGE, await measured.memory(restMs));
    });
  }
}

const sum = (memory: Map<string, Memories> | undefined, key: keyof Memories) =>
  [...(memory?.values() ?? [])].reduce((total, each) => total + each[key], 0);

interface Row {
  what: string;
  ours: number;
  theirs: number;
  show: (value: number) => string;
  /** More is better. */
  more?: boolean;
}

function rowsOf([ours, theirs]: readonly [Figures, Figures]): Row[] {
  const row = (what: string, of: (figures: Figures) => number, show: Row['show'], more = false): Row => ({
    what,
    ours: of(ours),
    theirs: of(theirs),
    show,
    more,
  });
  const mb = (bytes: number) => `${megabytes(bytes)} MB`;
  return [
    ...RATES.flatMap((rate) =>
      [0.5, 0.99].map((q) =>
        row(
          `report → client, ${rate} reports/s, p${q * 100}`,
          ({ latencies }) => quantile(latencies.get(rate) ?? [], q),
          ms,
        ),
      ),
    ),
    ...[0.5, 0.99].map((q) =>
      row(`command → radio, p${q * 100}`, ({ commands }) => quantile(commands, q), ms),
    ),
    row('reports/s, a flood', ({ perSecond }) => perSecond, count, true),
    ...SIZES.flatMap((devices) =>
      (['rss', 'pss'] as const).map((key) =>
        row(
          `${key.toUpperCase()} with ${count(devices)} devices`,
          ({ memory }) => sum(memory.get(devices), key),
          mb,
        ),
      ),
    ),
    row(`start to ready, ${HOUSE} devices, median`, ({ readyMs }) => median(readyMs), ms),
  ];
}

const better = ({ ours, theirs, more }: Row) => (more ? ours >= theirs : ours <= theirs);

function memoryTable(sides: Sides, all: readonly Figures[]): Table {
  const both = ({ rss, pss }: Memories) => `${megabytes(rss)} / ${megabytes(pss)}`;
  const rows = sides.flatMap((_, index) => {
    const { memory } = all[index] as Figures;
    return [...(memory.get(HOUSE)?.keys() ?? [])].map((name) => [
      name,
      ...SIZES.map((devices) => both(memory.get(devices)?.get(name) as Memories)),
    ]);
  });
  return {
    title: 'Memory of each process, RSS / PSS, MB',
    rows: [['', ...SIZES.map((devices) => `${count(devices)} devices`)], ...rows],
  };
}

async function run(bench: Bench): Promise<Section> {
  const troubles = [...installPeers(['mosquitto']), installNpmPeer('zigbee2mqtt')].filter(Boolean);
  if (troubles.length > 0) throw new Error(troubles.join('; '));
  const port = await freePort();
  const house = await prepare(bench, port, HOUSE);
  const all = await measureHouse(bench, house, port);
  const bare = await bareCommits(bench);
  const large = await prepare(bench, port, LARGE);
  await measureLarge(bench, large, port, all);
  const rows = rowsOf(all as [Figures, Figures]);
  const aims = rows.map(
    (row): Aim => ({
      what: row.what,
      aim: `${row.more ? '≥' : '≤'} ${row.show(row.theirs)}`,
      measured: `${row.show(row.ours)} (${ratio(row.ours, row.theirs)})`,
      met: better(row),
    }),
  );
  return {
    title: `Zigbee: beside zigbee2mqtt ${NPM_PEERS.zigbee2mqtt} with mosquitto, on the same simulated stick`,
    aims,
    tables: [
      {
        title: 'gate is the daemon with its Zigbee add-on, zigbee2mqtt is with mosquitto',
        rows: [
          ['', 'gate', 'zigbee2mqtt', 'gate to zigbee2mqtt'],
          ...rows.map((row) => [
            row.what,
            row.show(row.ours),
            row.show(row.theirs),
            ratio(row.ours, row.theirs),
          ]),
        ],
      },
      memoryTable(house, all),
    ],
    notes: [
      `What gate’s client hears is on disk already, fsync included; zigbee2mqtt keeps no readings. On this disk a commit of one row by node:sqlite alone, ${RATES[0]} a second, took ${ms(quantile(bare, 0.5))} at p50, ${ms(quantile(bare, 0.99))} at p99, in the same run.`,
      `\`COMMIT_WINDOW_MS\` is ${WINDOW_MS}, as shipped. ${RATES[1]} reports a second use windows that were saved before, which lasts for some 40 s; a stream that goes on longer waits up to ${WINDOW_MS} ms for its commit.`,
    ],
    how: [
      'One stick process with the same devices in the same order for each side, a new one for each start; the sides run one after the other, starts in turn. Six devices in ten are sensors, two bulbs, one a plug, one a contact.',
      'gate as it is shipped (`dist/`, default settings, the add-ons `http` and `virtual` uninstalled), its devices paired through the API. zigbee2mqtt as npm has it, with the log at `warning` and to the console only, devices configured already; mosquitto with `set_tcp_nodelay true`.',
      `Report → client: from the frame of a sensor to a socket.io client (\`events=data\`), and to an MQTT client (\`zigbee2mqtt/+\`), each in a process of its own; reports come at random moments, from the sensors in turn, for ${(bench.short ? SHORT : FULL).measureMs / 1_000} s. One that is lost fails the benchmark.`,
      `Command → radio: from the request (\`POST …/set\` over one kept-alive connection; a publish to \`…/set\`) to its frame at the stick, ${count((bench.short ? SHORT : FULL).commands)} commands, one after the other.`,
      `Flood: ${count((bench.short ? SHORT : FULL).flood)} reports, never more than ${FLOOD_AHEAD.map(count).join(', ')} ahead of what the client has, from the first sent to the last received; the best of the three.`,
      `Memory: after a start in which each sensor reported once, and ${(bench.short ? SHORT : FULL).restMs / 1_000} s of rest. In RSS each process counts its own copy of what it shares with others, such as the code of Node; in PSS each counts its part of it.`,
      `Start: from the spawn until \`/health/ready\` shows the Zigbee add-on as running, asked every 5 ms; until \`zigbee2mqtt/bridge/state\` is online, with mosquitto up already. Median of ${(bench.short ? SHORT : FULL).starts}.`,
    ],
  };
}

export const zigbee: Benchmark = { name: 'zigbee', run };
