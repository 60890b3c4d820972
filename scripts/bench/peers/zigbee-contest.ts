/** gate and zigbee2mqtt with mosquitto, on the same simulated stick. */
import { freePort } from '../../peers/free-port.ts';
import { installNpmPeer, NPM_PEERS } from '../../peers/npm-peers.ts';
import type { Bench } from '../benchmark.ts';
import { median, quantile } from '../quantiles.ts';
import { count, megabytes, ms } from '../units.ts';
import {
  HOUSE,
  LARGE,
  type Figures as Measured,
  measureLarge,
  measureOnce,
  noFigures,
  prepare,
  RATES,
  SIZES,
} from '../zigbee-rounds.ts';
import { type Contest, type Figure, type Figures, GATE, inTurn } from './contest.ts';

const PEER = `zigbee2mqtt ${NPM_PEERS.zigbee2mqtt} + mosquitto`;
const QUANTILES = [0.5, 0.99] as const;
const ON_DISK = 'what gate’s client hears is on disk already, fsync included; zigbee2mqtt keeps no readings';
const mb = (bytes: number) => `${megabytes(bytes)} MB`;

const report = (rate: number, q: number) => `report → client, ${rate}/s, p${q * 100}`;
const command = (q: number) => `command → radio, p${q * 100}`;
const FLOOD = 'reports/s, a flood';
const START = `start to ready, ${HOUSE} devices`;
const resident = (devices: number) => `RSS with ${count(devices)} devices`;

const figures: Figure[] = [
  ...RATES.flatMap((rate) => QUANTILES.map((q) => ({ name: report(rate, q), show: ms, why: ON_DISK }))),
  ...QUANTILES.map((q) => ({
    name: command(q),
    show: ms,
    why: 'gate’s command comes over HTTP, is checked for its right, waits in its device’s queue and goes through a broker to a process of its own; zigbee2mqtt takes it off the broker in the process that has the stick',
  })),
  { name: FLOOD, show: count, more: true },
  { name: START, show: ms },
  ...SIZES.map((devices) => ({
    name: resident(devices),
    show: mb,
    why: 'each of gate’s two processes counts its own copy of Node’s code',
  })),
];

function figuresOf({ readyMs, latencies, commands, perSecond, memory }: Measured): Figures {
  const total = (devices: number) =>
    [...(memory.get(devices)?.values() ?? [])].reduce((sum, { rss }) => sum + rss, 0);
  return new Map([
    ...RATES.flatMap((rate) =>
      QUANTILES.map((q) => [report(rate, q), quantile(latencies.get(rate) ?? [], q)] as const),
    ),
    ...QUANTILES.map((q) => [command(q), quantile(commands, q)] as const),
    [FLOOD, perSecond],
    [START, median(readyMs)],
    ...SIZES.map((devices) => [resident(devices), total(devices)] as const),
  ]);
}

async function prepared(bench: Bench) {
  const trouble = installNpmPeer('zigbee2mqtt');
  if (trouble !== undefined) throw new Error(trouble);
  const port = await freePort();
  const [house, large] = [await prepare(bench, port, HOUSE), await prepare(bench, port, LARGE)];
  const sides = [GATE, PEER].map((name, at) => ({ name, house: house[at], large: large[at] }));
  return async (nth: number) => {
    const round = new Map<string, Figures>();
    for (const { name, house: small, large: many } of inTurn(sides, nth)) {
      if (!small || !many) continue;
      const measured = noFigures();
      await measureOnce(bench, small, port, measured);
      await measureLarge(bench, [many], port, [measured]);
      round.set(name, figuresOf(measured));
    }
    return round;
  };
}

export const zigbeeContest: Contest = {
  name: 'zigbee',
  title: `Zigbee: ${HOUSE} devices on one stick`,
  figures,
  how: ['As in the benchmark `zigbee` below: the same devices in the same order on a simulated stick.'],
  prepare: prepared,
};
