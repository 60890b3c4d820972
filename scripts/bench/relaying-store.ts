/**
 * A store with its relay as a program of its own. Forked with a `RelayPlan` as JSON. Asked `{connect}` it connects and
 * says at which moment the relay began; asked `{live}` it stores so many readings a second, one by one, each with the moment at which it was handed over; asked
 * `{backlog}` it says how much is left; asked `{store: n}` it stores n at once and says so when they are on disk.
 */
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';
import { Relay } from '../../src/cloud/relay/relay.ts';
import { AWS_LIMITS } from '../../src/cloud/relay/relay-limits.ts';
import { Store } from '../../src/store/store.ts';
import { MqttPublisher } from '../../test/support/mqtt-publisher.ts';
import { monotonicMs } from './monotonic.ts';
import { PacedPublisher } from './paced-publisher.ts';
import { sampleReading } from './sample-reading.ts';

export interface RelayPlan {
  folder: string;
  deviceId: string;
  /** Within what AWS IoT Core takes from a connection. */
  aws: boolean;
  publishesPerSecond: number;
}

export interface CloudFiles {
  url: string;
  ca: string;
  cert: string;
  key: string;
}

export type RelayQuestion =
  | { connect: CloudFiles }
  | { live: number }
  | { backlog: true }
  | { store: number };

const plan = JSON.parse(process.argv[2] ?? '') as RelayPlan;
const { deviceId } = plan;
const store = new Store({
  settings: {
    folder: plan.folder,
    commitWindowMs: 25,
    retentionDays: 3_650,
    retentionBytes: 1e12,
    relaying: true,
  },
  onCommit: () => relay.readingsStored(),
  onTrouble: () => undefined,
  onDropped: () => undefined,
  onFault: (error) => {
    throw error;
  },
  now: Date.now,
  monotonicNow: () => performance.now(),
});
await store.start();
const relay = new Relay({
  store,
  limits: plan.aws ? AWS_LIMITS : { ...AWS_LIMITS, backlogBytesPerSecond: 0 },
  listTopic: 'data/p/g',
  topicOf: (id) => `data/p/g/${id}`,
  onTrouble: (error) => console.error(error),
  monotonicNow: () => performance.now(),
});
relay.start();

async function connect({ url, ca, cert, key }: CloudFiles): Promise<{ at: number }> {
  const client = await mqtt.connectAsync(url, {
    clientId: 'gateway',
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
    reconnectPeriod: 0,
  });
  const publisher = new MqttPublisher(client);
  client.once('close', () => relay.linkDown());
  const at = monotonicMs();
  relay.linkUp(plan.aws ? new PacedPublisher(publisher, plan.publishesPerSecond) : publisher);
  return { at };
}

let stored = 0;
let timer: NodeJS.Timeout | undefined;
const id = () => {
  stored += 1;
  return `${process.pid}-${stored}`;
};
const append = (data: Record<string, number>) =>
  store.append('bench', { deviceId, id: id(), ts: Date.now(), data });

process.on('message', (question: RelayQuestion) => void answer(question));

async function answer(question: RelayQuestion): Promise<void> {
  if ('connect' in question) process.send?.(await connect(question.connect));
  else if ('backlog' in question) process.send?.(relay.backlog());
  else if ('store' in question) {
    await Promise.all(Array.from({ length: question.store }, (_, n) => append(sampleReading(n))));
    process.send?.({ stored: question.store });
  } else {
    clearInterval(timer);
    if (question.live > 0)
      timer = setInterval(() => void append({ at: monotonicMs() }), 1_000 / question.live);
    process.send?.({ live: question.live });
  }
}
process.send?.({ up: true });
