/**
 * A store and its relay as a program of its own, to be killed: stores readings up to a number, relays them, and ends
 * when the cloud has them all. Arguments: the folder, the broker's address, its authority, certificate, key, readings.
 */
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';
import { Relay } from '../../../src/cloud/relay/relay.ts';
import { AWS_LIMITS } from '../../../src/cloud/relay/relay-limits.ts';
import { MqttPublisher } from '../../support/mqtt-publisher.ts';
import { openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { until } from '../../support/until.ts';

const [folder = '', url = '', ca = '', cert = '', key = '', wanted = '0'] = process.argv.slice(2);
const READINGS = Number(wanted);
const DEVICE = 'lamp';
/** Appended at a time: some go live, some have to wait. */
const BURST = 100;

const { store, commits } = await openStore(folder, { relaying: true });
await store.saveDevice(testDevice(DEVICE));
const relay = new Relay({
  store,
  limits: { ...AWS_LIMITS, messageBytes: 8 * 1_024, backlogBytesPerSecond: 0 },
  listTopic: 'data/p/g',
  topicOf: (deviceId) => `data/p/g/${deviceId}`,
  onTrouble: (error) => console.error(error),
  monotonicNow: () => performance.now(),
});
relay.start();
const client = await mqtt.connectAsync(url, {
  clientId: 'gateway',
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
  reconnectPeriod: 0,
});
relay.linkUp(new MqttPublisher(client));
process.send?.('connected');

const page = { deviceId: DEVICE, page: 1, perPage: 1, sortKey: 'ts', descending: false } as const;
let stored = store.page(page).totalItems;
while (stored < READINGS) {
  const burst = Array.from({ length: Math.min(BURST, READINGS - stored) }, (_, n) => stored + n + 1);
  await Promise.all(
    burst.map((n) =>
      store.append(TEST_ADDON, { deviceId: DEVICE, id: `r${n}`, ts: Date.now(), data: { n } }),
    ),
  );
  stored += burst.length;
  commits.length = 0;
  relay.readingsStored();
}
await until('the cloud has everything', () => relay.backlog().readings === 0, 120_000);
relay.stop();
await client.endAsync();
await store.stop();
process.exit(0);
