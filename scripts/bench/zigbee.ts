/**
 * The Zigbee add-on beside zigbee2mqtt: the same simulated stick with the same devices, one side after the other in the
 * same run.
 */

import { freePort } from '../peers/free-port.ts';
import { installNpmPeer, NPM_PEERS } from '../peers/npm-peers.ts';
import { installPeers } from '../peers/peers.ts';
import type { BareTimes } from './bare-commits.ts';
import type { Aim, Bench, Benchmark, Section, Table } from './benchmark.ts';
import { median, quantile } from './quantiles.ts';
import { count, megabytes, ms, ratio } from './units.ts';
import { measureReturns } from './zigbee-return.ts';
import {
  bareCommits,
  type Figures,
  FLOOD_AHEAD,
  HOUSE,
  LARGE,
  measureHouse,
  measureLarge,
  prepare,
  RATES,
  SIZES,
  type Sides,
  thoroughness,
} from './zigbee-rounds.ts';
import type { Memories } from './zigbee-runs.ts';

const WINDOW_MS = 25;
/** What the add-on promises, in milliseconds. */
const BACK_MS = 5_000;

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

function bareWords(rate: number, { commits, writes }: BareTimes = { commits: [], writes: [] }): string {
  const both = (times: readonly number[]) =>
    `${ms(quantile(times, 0.5))} at p50 and ${ms(quantile(times, 0.99))} at p99`;
  return `${rate} a second, a commit of one row by node:sqlite alone took ${both(commits)}, 4 KiB written in place with fdatasync ${both(writes)}`;
}

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
  const how = thoroughness(bench);
  const returns = await measureReturns(bench, { side: house[0], port, devices: HOUSE });
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
  const slowestMs = Math.max(...returns);
  aims.push({
    what: `at work again after the stick’s return, slowest of ${returns.length}`,
    aim: `≤ ${ms(BACK_MS)}`,
    measured: ms(slowestMs),
    met: slowestMs <= BACK_MS,
  });
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
      `What gate’s client hears is on disk already, fsync included; zigbee2mqtt keeps no readings. On this disk, in the same run, ${RATES.map((rate) => bareWords(rate, bare.get(rate))).join('; ')}. That and two turns between threads are what a report waits for here and nowhere else.`,
      `\`COMMIT_WINDOW_MS\` is ${WINDOW_MS}, as shipped. ${RATES[1]} reports a second use windows that were saved before, which lasts for some 40 s; a stream that goes on longer waits up to ${WINDOW_MS} ms for its commit.`,
    ],
    how: [
      `One stick process with the same devices in the same order for each side, a new one for each start; the sides run in turn, in ${how.rounds} rounds. Six devices in ten are sensors, two bulbs, one a plug, one a contact.`,
      'gate as it is shipped (`dist/`, default settings, the add-ons `http` and `virtual` uninstalled), its devices paired through the API. zigbee2mqtt as npm has it, with the log at `warning` and to the console only, devices configured already; mosquitto with `set_tcp_nodelay true`.',
      `Report → client: from the frame of a sensor to a socket.io client (\`events=data\`), and to an MQTT client (\`zigbee2mqtt/+\`), each in a process of its own; reports come at random moments, from the sensors in turn, for ${how.measureMs / 1_000} s in all. One that is lost fails the benchmark.`,
      `Command → radio: from the bytes of the request (\`POST …/set\` over one kept-alive connection; a publish to \`…/set\`; neither by a client library, whose time is nobody’s here) to its frame at the stick, ${count(how.commands)} commands, one after the other.`,
      `Flood: ${count(how.flood / how.rounds)} reports in each round, never more than ${FLOOD_AHEAD.map(count).join(', ')} ahead of what the client has, from the first sent to the last received; the best of all.`,
      `Memory: after a start in which each sensor reported once, and ${how.restMs / 1_000} s of rest. In RSS each process counts its own copy of what it shares with others, such as the code of Node; in PSS each counts its part of it.`,
      `Return: the stick, at a TCP port, is away for up to 8 s, then back; from then until \`/health/ready\` shows the add-on as running. Median ${ms(median(returns))}.`,
      `Start: from the spawn until \`/health/ready\` shows the Zigbee add-on as running, asked every 5 ms; until \`zigbee2mqtt/bridge/state\` is online, with mosquitto up already. Median of ${how.starts + how.rounds}.`,
    ],
  };
}

export const zigbee: Benchmark = { name: 'zigbee', run };
