/** The runs of the benchmark `cloud`: a store with its relay, mosquitto with mutual TLS, and who listens there. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openMigrated } from '../../src/store/migrations.ts';
import { CloudBroker } from '../../test/support/cloud-broker.ts';
import { testDevice } from '../../test/support/open-store.ts';
import type { Bench } from './benchmark.ts';
import { memoryOf } from './process-figures.ts';
import { mean, quantile } from './quantiles.ts';
import type { Heard } from './relay-listener.ts';
import type { RelayPlan, RelayQuestion } from './relaying-store.ts';
import type { Channel, Scope } from './scope.ts';
import type { Built, Plan } from './store-builder.ts';

/** Publishes a second and connection that AWS IoT Core takes. */
export const AWS_PUBLISHES_PER_SECOND = 100;
/** A busy house. */
export const LIVE_PER_SECOND = 50;
const DEVICES = 50;
/** As the daemon is started. */
const DAEMON_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1'];
const SAMPLE_MS = 500;
const DRAIN_MS = 1_800_000;
/** When nothing has come for so long, nothing more will. */
const QUIET_MS = 8_000;

export interface RelayRun {
  live: { p50: number; p99: number; samples: number };
  /** Readings of the backlog in a second; NaN where there was none. */
  perSecond: number;
  relayed: number;
  repeats: number;
  /** Resident bytes of the whole program: before it connected, the most, and the mean of the last quarter. */
  rss: { idle: number; most: number; end: number };
}

export async function startBroker(scope: Scope): Promise<CloudBroker> {
  const broker = await CloudBroker.start();
  scope.defer(() => broker.remove());
  return broker;
}

export function filesOf(broker: CloudBroker, name: string) {
  const { certificatePath: cert, keyPath: key } = broker.makeClient(name);
  return { url: broker.url, ca: broker.authorityPath, cert, key };
}

export async function startListener(scope: Scope, broker: CloudBroker): Promise<Channel> {
  const listener = scope.fork('relay-listener.ts', [JSON.stringify(filesOf(broker, 'cloud'))]);
  await listener.next();
  return listener;
}

/** A folder with a store in which `readings` wait for the cloud. */
export async function filledFolder(
  scope: Scope,
  readings: number,
): Promise<{ folder: string; deviceId: string }> {
  const folder = scope.folder();
  const file = join(folder, 'gate.db');
  const ids = Array.from({ length: DEVICES }, (_, n) => `device-${String(n).padStart(3, '0')}`);
  const database = await openMigrated(file);
  const add = database.prepare('INSERT INTO device (id, record) VALUES (?, ?)');
  for (const id of ids) add.run(id, JSON.stringify(testDevice(id)));
  database.close();
  if (readings > 0) {
    const plan: Plan = {
      file,
      ids,
      readings,
      batch: 5_000,
      lastTs: Date.now(),
      spreadMs: 86_400_000,
      relayed: true,
    };
    await scope.fork('store-builder.ts', [JSON.stringify(plan)]).next<Built>();
  }
  return { folder, deviceId: ids[0] ?? '' };
}

export async function startRelay(scope: Scope, plan: RelayPlan): Promise<Channel> {
  const program = scope.fork('relaying-store.ts', [JSON.stringify(plan)], DAEMON_FLAGS);
  await program.next();
  return program;
}

export interface RunOptions {
  backlog: number;
  aws: boolean;
  /** Where the backlog is not drained to its end. */
  forMs?: number;
}

/** Live readings all the time, and beside them a backlog, to its end or for so long. */
export async function relayRun({ scope }: Bench, { backlog, aws, forMs }: RunOptions): Promise<RelayRun> {
  const broker = await startBroker(scope);
  const listener = await startListener(scope, broker);
  const filled = await filledFolder(scope, backlog);
  const program = await startRelay(scope, {
    ...filled,
    aws,
    publishesPerSecond: AWS_PUBLISHES_PER_SECOND,
  });
  const ask = <T>(question: RelayQuestion) => program.ask<T>(question);
  const idle = memoryOf(program.pid).rss;
  const { at: begunAt } = await ask<{ at: number }>({ connect: filesOf(broker, 'gateway') });
  const startedAt = performance.now();
  await ask({ live: LIVE_PER_SECOND });
  const rss: number[] = [];
  const latencies: number[] = [];
  let heard = await listener.ask<Heard>({});
  const isOver = () => {
    const ms = performance.now() - startedAt;
    if (ms > DRAIN_MS) throw new Error(`the backlog was not drained within ${DRAIN_MS} ms`);
    return forMs === undefined ? heard.backlog >= backlog : ms >= forMs;
  };
  while (!isOver()) {
    await pause(SAMPLE_MS);
    rss.push(memoryOf(program.pid).rss);
    heard = await listener.ask<Heard>({});
    latencies.push(...heard.latencies);
  }
  await ask({ live: 0 });
  await broker.stop();
  return {
    live: { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), samples: latencies.length },
    perSecond: backlog > 0 ? (heard.backlog * 1_000) / (heard.lastAt - begunAt) : Number.NaN,
    relayed: heard.backlog,
    repeats: heard.repeats,
    rss: { idle, most: Math.max(...rss), end: mean(rss.slice(-Math.ceil(rss.length / 4))) },
  };
}

/** Stored while the cloud was away, then SIGKILL. @returns how many of them are missing after the next start */
export async function killedRelay({ scope }: Bench, readings: number): Promise<number> {
  const broker = await startBroker(scope);
  const listener = await startListener(scope, broker);
  const filled = await filledFolder(scope, 0);
  const plan: RelayPlan = { ...filled, aws: false, publishesPerSecond: 0 };
  const first = await startRelay(scope, plan);
  await first.ask({ store: readings });
  const gone = once(first.process, 'exit');
  first.process.kill('SIGKILL');
  await gone;
  const second = await startRelay(scope, plan);
  await second.ask({ connect: filesOf(broker, 'gateway') });
  const { arrived } = await drained(listener, readings);
  await broker.stop();
  return readings - arrived;
}

/** Waits until nothing more arrives. The rate is that from the first to the last. */
export async function drained(
  listener: Channel,
  expected: number,
): Promise<{ arrived: number; perSecond: number }> {
  let heard = await listener.ask<Heard>({});
  for (let quietMs = 0; heard.readings < expected && quietMs < QUIET_MS; quietMs += SAMPLE_MS) {
    await pause(SAMPLE_MS);
    const before = heard.readings;
    heard = await listener.ask<Heard>({});
    if (heard.readings > before) quietMs = 0;
  }
  return { arrived: heard.readings, perSecond: (heard.readings * 1_000) / (heard.lastAt - heard.firstAt) };
}
