/** The course of the Zigbee benchmark: both sides with the same devices, in turn, on sticks that are alike. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BareTimes } from './bare-commits.ts';
import type { Bench } from './benchmark.ts';
import { type Channel, ended } from './scope.ts';
import { Zigbee2mqttSide } from './zigbee-2mqtt.ts';
import { GateSide } from './zigbee-gate.ts';
import { Measured, type Memories } from './zigbee-runs.ts';
import type { Side } from './zigbee-side.ts';
import type { Placed } from './zigbee-stick.ts';

export const SIZES = [200, 1_000] as const;
export const [HOUSE, LARGE] = SIZES;
/** A busy house, and as many as one radio channel carries. */
export const RATES = [20, 100] as const;
const WARM_UP_MS = 3_000;
const FLOOD_WARM_UP = 5_000;
/** How far a flood may be ahead of what the client has: each side is best at another one. */
export const FLOOD_AHEAD = [100, 300, 1_000] as const;

export interface Figures {
  readyMs: number[];
  latencies: Map<number, number[]>;
  commands: number[];
  perSecond: number;
  memory: Map<number, Map<string, Memories>>;
}

export const noFigures = (): Figures => ({
  readyMs: [],
  latencies: new Map(),
  commands: [],
  perSecond: 0,
  memory: new Map(),
});

export type Sides = readonly [ours: GateSide, theirs: Side];

interface Thoroughness {
  starts: number;
  /** The sides take turns, so that what else the machine does falls on both. */
  rounds: number;
  measureMs: number;
  commands: number;
  flood: number;
  restMs: number;
}
const FULL: Thoroughness = {
  starts: 5,
  rounds: 3,
  measureMs: 30_000,
  commands: 500,
  flood: 60_000,
  restMs: 20_000,
};
const SHORT: Thoroughness = {
  starts: 2,
  rounds: 2,
  measureMs: 10_000,
  commands: 160,
  flood: 20_000,
  restMs: 8_000,
};
export const thoroughness = ({ short }: Bench) => (short ? SHORT : FULL);

async function startStick(
  bench: Bench,
  port: number,
  devices: number,
): Promise<{ stick: Channel; placed: Placed }> {
  const stick = bench.scope.fork('zigbee-stick.ts', [String(port), String(devices)]);
  return { stick, placed: await stick.next<Placed>() };
}

/** Both sides with the same devices, from one stick; each is then run on sticks of its own that are like it. */
export async function prepare(bench: Bench, port: number, devices: number): Promise<Sides> {
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

/** All that is measured of a side with the devices of a house, once. */
export async function measureOnce(bench: Bench, side: Side, port: number, figures: Figures): Promise<void> {
  const { rounds, measureMs, commands, flood, restMs } = thoroughness(bench);
  await onStick(bench, { side, port, devices: HOUSE }, async (measured, { bulbs }, readyMs) => {
    figures.readyMs.push(readyMs);
    await measured.wake();
    if (!figures.memory.has(HOUSE)) figures.memory.set(HOUSE, await measured.memory(restMs));
    await measured.latencies(RATES[0], WARM_UP_MS);
    for (const rate of RATES) {
      const before = figures.latencies.get(rate) ?? [];
      figures.latencies.set(rate, [...before, ...(await measured.latencies(rate, measureMs / rounds))]);
    }
    await measured.commands(bulbs, bulbs.length * 2);
    figures.commands.push(...(await measured.commands(bulbs, Math.ceil(commands / rounds))));
    await measured.flood(FLOOD_WARM_UP, FLOOD_AHEAD[0]);
    for (const ahead of FLOOD_AHEAD) {
      await pause(1_000);
      figures.perSecond = Math.max(figures.perSecond, await measured.flood(Math.ceil(flood / rounds), ahead));
    }
  });
}

export async function measureHouse(bench: Bench, sides: Sides, port: number): Promise<Figures[]> {
  const { starts, rounds } = thoroughness(bench);
  const all = sides.map(noFigures);
  for (let n = 0; n < starts; n += 1) {
    bench.say(`start ${n + 1} of ${starts}`);
    for (const [index, side] of sides.entries()) {
      await onStick(bench, { side, port, devices: HOUSE }, async (_measured, _placed, readyMs) => {
        all[index]?.readyMs.push(readyMs);
      });
    }
  }
  for (let n = 0; n < rounds; n += 1) {
    for (const [index, side] of sides.entries()) {
      bench.say(`round ${n + 1} of ${rounds}: ${side.name}`);
      await measureOnce(bench, side, port, all[index] as Figures);
    }
  }
  return all;
}

/** What a commit of one row takes by SQLite alone, and a write by the disk alone, as often as reports come. */
export async function bareCommits(bench: Bench): Promise<Map<number, BareTimes>> {
  bench.say('bare commits');
  const total = bench.short ? 100 : 400;
  const times = new Map<number, BareTimes>();
  for (const rate of RATES) {
    const args = [join(bench.scope.folder(), 'bare.db'), String(total), String(rate)];
    times.set(rate, await bench.scope.fork('bare-commits.ts', args).next<BareTimes>());
  }
  return times;
}

export async function measureLarge(
  bench: Bench,
  sides: readonly Side[],
  port: number,
  all: readonly Figures[],
): Promise<void> {
  const { restMs } = thoroughness(bench);
  for (const [index, side] of sides.entries()) {
    bench.say(`${side.name}: memory with ${LARGE} devices`);
    await onStick(bench, { side, port, devices: LARGE }, async (measured) => {
      await measured.wake();
      all[index]?.memory.set(LARGE, await measured.memory(restMs));
    });
  }
}
