/** The runs of the benchmark `cloud`: the built daemon, mosquitto with mutual TLS, and who listens there. */
import { setTimeout as pause } from 'node:timers/promises';
import { CloudBroker } from '../../test/support/cloud-broker.ts';
import type { Bench } from './benchmark.ts';
import { CloudGateway } from './cloud-gateway.ts';
import { memoryOf } from './process-figures.ts';
import { mean, quantile } from './quantiles.ts';
import type { Heard, ListenerPlan } from './relay-listener.ts';
import type { Channel, Scope } from './scope.ts';

/** A busy house. */
export const LIVE_PER_SECOND = 50;
const DEVICES = 50;
const LIFTED = {
  CLOUD_PUBLISHES_PER_SECOND: '0',
  CLOUD_UNACKNOWLEDGED_MAX: '0',
  CLOUD_BACKLOG_KIB_PER_SECOND: '0',
};
/** An add-on that has more to report than a run lasts. */
const FOR_EVER_MS = 3_600_000;
/** How long the daemon stores without a cloud, before its broker is started. */
const ALONE_MS = 15_000;
const ALONE_SHORT_MS = 5_000;
const SAMPLE_MS = 500;
const DRAIN_MS = 1_800_000;
/** When nothing has come for so long, nothing more will. */
const QUIET_MS = 8_000;
/** How quickly an add-on reports what is stored in an outage. */
const OUTAGE_PER_SECOND = 2_000;

export interface RelayRun {
  live: { p50: number; p99: number; samples: number };
  /** Readings of the backlog in a second; NaN where there was none. */
  perSecond: number;
  relayed: number;
  repeats: number;
  /** Resident bytes of the daemon: before it connected, the most, and the mean of the last quarter. */
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

export async function startListener(
  scope: Scope,
  broker: CloudBroker,
  { name, topic }: { name: string; topic: string } = { name: 'cloud', topic: 'data/#' },
): Promise<Channel> {
  const plan: ListenerPlan = { ...filesOf(broker, name), name, topic };
  const listener = scope.fork('relay-listener.ts', [JSON.stringify(plan)]);
  await listener.next();
  return listener;
}

export interface RunOptions {
  backlog: number;
  aws: boolean;
  /** Where the backlog is not drained to its end. */
  forMs?: number;
}

/** Live readings all the time, and beside them a backlog, to its end or for so long. */
export async function relayRun(
  { scope, short }: Bench,
  { backlog, aws, forMs }: RunOptions,
): Promise<RelayRun> {
  const broker = await startBroker(scope);
  // who takes the lists has his hands full with them: live readings are taken by another, as a cloud would
  const lists = await startListener(scope, broker, { name: 'lists', topic: 'data/+/+' });
  const live = await startListener(scope, broker, { name: 'live', topic: 'data/+/+/+' });
  const job = { devices: DEVICES, readingsPerSecond: LIVE_PER_SECOND, warmUpMs: 0, measureMs: FOR_EVER_MS };
  const gateway = await CloudGateway.prepare(scope, broker, {
    backlog,
    job: { ...job, stamped: true },
    environment: aws ? {} : LIFTED,
  });
  await broker.stop();
  await gateway.start();
  await pause(short ? ALONE_SHORT_MS : ALONE_MS);
  const idle = memoryOf(gateway.pid).rss;
  await broker.start();
  const begunAt = await gateway.connected();
  const startedAt = performance.now();
  const rss: number[] = [];
  const latencies: number[] = [];
  await live.ask<Heard>({ liveFrom: begunAt });
  let heard = await lists.ask<Heard>({ liveFrom: begunAt });
  const isOver = () => {
    const ms = performance.now() - startedAt;
    if (ms > DRAIN_MS) throw new Error(`the backlog was not drained within ${DRAIN_MS} ms`);
    return forMs === undefined ? heard.backlog >= backlog : ms >= forMs;
  };
  while (!isOver()) {
    await pause(SAMPLE_MS);
    rss.push(memoryOf(gateway.pid).rss);
    heard = await lists.ask<Heard>({});
    // one that went with the backlog counts too
    latencies.push(...heard.latencies, ...(await live.ask<Heard>({})).latencies);
  }
  await gateway.kill();
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
  const job = { devices: DEVICES, readingsPerSecond: OUTAGE_PER_SECOND, warmUpMs: 0, stamped: false };
  const gateway = await CloudGateway.prepare(scope, broker, {
    backlog: 0,
    job: { ...job, measureMs: (readings * 1_000) / OUTAGE_PER_SECOND },
    environment: LIFTED,
  });
  await broker.stop();
  gateway.reports.forget();
  await gateway.start();
  const { acknowledged } = await gateway.reports.done();
  if (acknowledged < readings) throw new Error(`only ${acknowledged} of ${readings} readings were stored`);
  await gateway.kill();
  await broker.start();
  await gateway.start();
  await gateway.connected();
  let missing = readings;
  for (let quietMs = 0; missing > 0 && quietMs < QUIET_MS; quietMs += SAMPLE_MS) {
    await pause(SAMPLE_MS);
    const before = missing;
    missing = (await listener.ask<Heard>({ upTo: acknowledged })).missing;
    if (missing < before) quietMs = 0;
  }
  await gateway.kill();
  await broker.stop();
  return missing;
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
