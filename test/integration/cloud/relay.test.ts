/**
 * The relay, the real store, and mosquitto with mutual TLS. (`KILLS=100 RELAYED=200000 npm run test:integration` for a
 * longer run.)
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { Relay } from '../../../src/cloud/relay/relay.ts';
import { AWS_LIMITS } from '../../../src/cloud/relay/relay-limits.ts';
import { CloudBroker } from '../../support/cloud-broker.ts';
import { CloudListener } from '../../support/cloud-listener.ts';
import { MqttPublisher } from '../../support/mqtt-publisher.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const KILLS = Number(process.env['KILLS'] ?? 10);
const RELAYED = Number(process.env['RELAYED'] ?? 10_000);
const PERSISTENT = { clean: false } as const;

describe('the relay, with mosquitto', function () {
  const skip = reasonToSkip('mosquitto', 'openssl');
  if (skip) {
    it.skip(`relays what is stored (${skip})`);
    return;
  }
  this.timeout(60_000 + KILLS * 6_000 + RELAYED * 3);

  let broker: CloudBroker;
  let watcher: MqttClient;
  let cloud: CloudListener;
  let folder: ReturnType<typeof tempFolder>;

  beforeEach(async () => {
    folder = tempFolder();
    broker = await CloudBroker.start();
    cloud = new CloudListener();
    watcher = await broker.connect('cloud', PERSISTENT);
    await cloud.listen(watcher);
  });

  afterEach(async () => {
    await watcher.endAsync(true);
    await broker.remove();
    folder.remove();
  });

  describe('through an outage of the broker', () => {
    let opened: OpenedStore;
    let relay: Relay;
    let client: MqttClient;
    let stored = 0;

    async function append(n: number): Promise<void> {
      const readings = Array.from({ length: n }, () => {
        stored += 1;
        return { deviceId: 'lamp', id: `r${stored}`, ts: Date.now(), data: { n: stored } };
      });
      await Promise.all(readings.map((reading) => opened.store.append(TEST_ADDON, reading)));
      relay.readingsStored();
    }

    async function connect(): Promise<void> {
      client = await broker.connect('gateway');
      client.once('close', () => relay.linkDown());
      relay.linkUp(new MqttPublisher(client));
    }

    beforeEach(async () => {
      stored = 0;
      opened = await openStore(folder.path, { relaying: true });
      await opened.store.saveDevice(testDevice('lamp'));
      relay = new Relay({
        store: opened.store,
        limits: AWS_LIMITS,
        listTopic: 'data/p/g',
        topicOf: (deviceId) => `data/p/g/${deviceId}`,
        onTrouble: () => undefined,
        monotonicNow: () => performance.now(),
      });
      relay.start();
    });

    afterEach(async () => {
      relay.stop();
      await client.endAsync(true);
      await opened.store.stop();
    });

    it('loses nothing, and keeps to the size that a message may have', async () => {
      await connect();
      await append(20);
      await until('it is relayed', () => relay.backlog().readings === 0);
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      await broker.stop();
      await closed;
      await append(5_000);
      assert.equal(relay.backlog().readings, 5_000);
      await broker.start();
      watcher = await broker.connect('cloud', PERSISTENT);
      await cloud.listen(watcher);
      await connect();
      await append(20);
      await until('everything arrives', () => cloud.ids.size === 5_040);
      assert.deepEqual(cloud.missing(5_040), []);
      assert.deepEqual(cloud.ambiguous(), []);
      assert.equal(cloud.disorder, 0);
      assert.ok(cloud.largestBytes > AWS_LIMITS.listBytes / 2 && cloud.largestBytes <= AWS_LIMITS.listBytes);
      for (const [seq, n] of cloud.values) assert.equal(n, seq);
    });
  });

  it('killed at random, sends every number, and repeats only under the same id', async () => {
    const { certificatePath, keyPath } = broker.makeClient('gateway');
    const settings = [
      folder.path,
      broker.url,
      broker.authorityPath,
      certificatePath,
      keyPath,
      String(RELAYED),
    ];
    const begin = async (): Promise<ChildProcess> => {
      const program = fork(join(import.meta.dirname, 'relay-program.ts'), settings);
      await once(program, 'message');
      return program;
    };
    for (let kill = 0; kill < KILLS; kill += 1) {
      const program = await begin();
      const exit = once(program, 'exit');
      await pause(Math.random() * 400);
      program.kill('SIGKILL');
      await exit;
    }
    const last = await begin();
    const [code] = (await once(last, 'exit')) as [number | null];
    assert.equal(code, 0);
    await until('everything arrives', () => cloud.ids.size === RELAYED);
    assert.deepEqual(cloud.missing(RELAYED), []);
    assert.deepEqual(cloud.ambiguous(), []);
    assert.equal(cloud.disorder, 0);
    assert.equal(new Set([...cloud.ids.values()].flatMap((ids) => [...ids])).size, RELAYED);
    console.log(`      ${cloud.received - RELAYED} of ${RELAYED} readings came again, after ${KILLS} kills`);
  });
});
