/**
 * Readings on their way to the cloud, from an add-on through the real daemon to mosquitto: an outage, the broker killed
 * while it is published to, the daemon killed at random. Every `seq` arrives, and a repeat has the same `id`. Where the
 * broker is killed, every `seq` is acknowledged by it: what it loses then is its own, and is counted.
 * (`KILLS=100 READINGS=200000`, `BROKER_KILLS=40 READINGS=150000` for longer runs.)
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { addForeignAddon } from '../../support/foreign-addon.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from './cloud-house.ts';

const KILLS = Number(process.env['KILLS'] ?? 4);
const READINGS = Number(process.env['READINGS'] ?? 5_000);
const BROKER_KILLS = Number(process.env['BROKER_KILLS'] ?? 3);
const BROKER_AWAY_MS = Number(process.env['BROKER_AWAY_MS'] ?? 600);
const SLUG = 'journal';
const LIFTED = {
  CLOUD_PUBLISHES_PER_SECOND: '0',
  CLOUD_UNACKNOWLEDGED_MAX: '0',
  CLOUD_BACKLOG_KIB_PER_SECOND: '0',
};
/** A broker that takes all that it is sent, and saves it as often as mosquitto can. */
const BROKER = ['max_inflight_messages 0', 'autosave_interval 1', 'autosave_on_changes true'];

interface Relayed {
  seq: number;
  id: string;
  deviceId: string;
  ts: number;
  data: { n: number };
}

describe('readings on their way to the cloud', function () {
  this.timeout(120_000 + (KILLS + BROKER_KILLS) * 8_000 + READINGS * 2);
  let house: CloudHouse;
  /** What has arrived, as far as what was heard has been looked at. */
  let found = new Map<number, Relayed>();
  let looked = 0;
  beforeEach(() => {
    found = new Map();
    looked = 0;
  });
  before(function () {
    const reason = obstacle();
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  afterEach(() => house?.close());

  /** By number; fails where a repeat is another reading. */
  function arrived(): Map<number, Relayed> {
    const base = house.topic('data', '');
    for (const { topic, payload } of house.cloud.heard.slice(looked)) {
      looked += 1;
      if (!topic.startsWith(base)) continue;
      for (const item of (Array.isArray(payload) ? payload : [payload]) as Relayed[]) {
        const before = found.get(item.seq);
        if (before) assert.equal(item.id, before.id, `seq ${item.seq} is two readings`);
        found.set(item.seq, item);
      }
    }
    return found;
  }

  async function beginReporting(
    environment: Record<string, string> = {},
    begun: () => Promise<unknown> = () => until('readings arrive', () => arrived().size > 0),
  ): Promise<void> {
    const type = addForeignAddon(house.dataFolder, { slug: SLUG, source: 'journal.ts' });
    await house.startDaemon(environment);
    await house.connected();
    const { api } = house.daemon;
    await api.send('POST', `/device/v1/protocols/${SLUG}/installation`, { parameters: {} });
    await api.send('POST', '/device/v1/devices', { name: 'counter', type });
    await begun();
  }

  /** Lets the add-on end. @returns how many readings it has sent: the last number */
  async function endReporting(): Promise<number> {
    const { api } = house.daemon;
    await api.send('DELETE', `/device/v1/protocols/${SLUG}/installation?force=true`);
    const devices = await api.get<{ id: string; name: string }[]>('/device/v1/devices');
    const { id } = devices.find(({ name }) => name === 'counter') as { id: string };
    await until('the add-on has ended', async () => {
      const { status } = await api.get<{ status: string }>(`/device/v1/protocols/${SLUG}`);
      return status === 'notInstalled';
    });
    const { totalItems } = await api.get<{ totalItems: number }>(`/device/v1/devices/${id}/data?perPage=1`);
    return totalItems;
  }

  const notArrived = (last: number) => {
    const numbers = Array.from({ length: last }, (_, index) => index + 1);
    return numbers.filter((seq) => !arrived().has(seq));
  };

  /** Lets the add-on end, and waits until everything stored has arrived. */
  async function everythingArrives(): Promise<void> {
    const totalItems = await endReporting();
    const missing = () => notArrived(totalItems);
    await until(`all ${totalItems} readings have arrived`, () => arrived().size >= totalItems, 120_000).catch(
      async () => {
        const waiting = JSON.stringify(await house.health());
        const numbers = `${missing().slice(0, 50)} …, ${missing().length} of ${totalItems}`;
        assert.fail(`these are missing: ${numbers}; the link is ${waiting}`);
      },
    );
    assert.deepEqual([arrived().size, missing()], [totalItems, []]);
  }

  /**
   * Lets the add-on end, and waits until nothing waits for the cloud. The broker has acknowledged every number then, as
   * the recorder between it and the gateway has seen. @returns those that it has lost since
   */
  async function everythingIsAcknowledged(): Promise<number[]> {
    const last = await endReporting();
    const { recorder, daemon, cloud } = house;
    assert.ok(recorder);
    await until(
      'nothing waits for the cloud',
      async () => /^gate_relay_backlog_readings 0$/m.test(await daemon.api.get<string>('/metrics')),
      120_000,
    );
    assert.deepEqual([recorder.unacknowledged(last).slice(0, 50), recorder.troubles], [[], []]);
    // what the broker still holds for its listener comes before this
    const end = house.topic('end', '');
    await cloud.send(end, {});
    await until('what the broker holds has come', () => cloud.on(end).length > 0);
    for (const { seq, id } of arrived().values()) assert.equal(id, recorder.published.get(seq));
    return notArrived(last);
  }

  it('arrive as they are stored, each with its number', async () => {
    house = await CloudHouse.open({ settings: BROKER });
    await beginReporting();
    await everythingArrives();
    const [first] = found.values();
    assert.deepEqual(Object.keys(first ?? {}), ['id', 'deviceId', 'ts', 'seq', 'data']);
  });

  it('arrive after an outage in which many were stored, and those of the time after it as well', async () => {
    house = await CloudHouse.open({ settings: BROKER });
    await beginReporting(LIFTED);
    await house.broker.stop();
    const before = arrived().size;
    await pause(3_000);
    await house.broker.start();
    await until('readings arrive again', () => arrived().size > before);
    await everythingArrives();
  });

  it('all arrive although the daemon is killed again and again', async () => {
    house = await CloudHouse.open({ settings: BROKER });
    await beginReporting(LIFTED);
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const before = arrived().size;
      await until('readings arrive', () => arrived().size > before, 60_000);
      await pause(Math.random() * 300);
      await house.daemon.kill();
      await house.startDaemon(LIFTED);
    }
    await until('enough were sent', () => arrived().size >= READINGS, 60_000 + READINGS * 2);
    await everythingArrives();
    const times = house.cloud.heard.length;
    console.log(`      ${KILLS} kills, ${found.size} readings in ${times} messages`);
  });

  it('are all acknowledged by the broker although it is killed while it is published to', async () => {
    house = await CloudHouse.open({ settings: BROKER, isRecorded: true });
    await beginReporting(LIFTED);
    for (let kill = 1; kill <= BROKER_KILLS; kill += 1) {
      await until('enough were sent', () => arrived().size > (READINGS * kill) / (BROKER_KILLS + 1), 60_000);
      const before = arrived().size;
      await until('readings arrive', () => arrived().size > before, 60_000);
      // the broker has something to lose: its listener does not keep up
      house.cloud.holdStill();
      await pause(Math.random() * 300);
      await house.broker.kill();
      house.cloud.goOn();
      // what was stored meanwhile goes in lists, as quickly as it is taken
      await pause(Math.random() * BROKER_AWAY_MS);
      await house.broker.start();
    }
    await house.daemon.kill();
    await house.startDaemon(LIFTED);
    await house.connected();
    const lost = await everythingIsAcknowledged();
    const { acknowledged, unanswered } = house.recorder ?? assert.fail();
    console.log(
      `      ${BROKER_KILLS} kills, ${acknowledged.size} readings acknowledged; ${unanswered} messages were not when it was killed, and went again; mosquitto has lost ${lost.length} readings that it had acknowledged`,
    );
  });

  it('that the broker refuses are named in health, and arrive when it takes them', async () => {
    const access = ['pattern readwrite discover/+/%u/#', 'pattern readwrite control/+/%u/#'];
    house = await CloudHouse.open({ settings: BROKER, access });
    await beginReporting({}, async () => {
      const { state } = await house.reasonIs(
        /^the broker refuses what is published to data\/.*not authorized/,
      );
      assert.equal(state, 'degraded');
    });
    assert.ok(!house.daemon.log.some(({ msg }) => /another client/.test(msg)));
    await house.healthIs('readings wait', ({ waitingReadings = 0 }) => waitingReadings > 0);
    await house.broker.stop();
    await house.broker.start({ access: ['pattern readwrite +/+/%u/#'] });
    await house.connected();
    await everythingArrives();
    const { waitingSince } = await house.healthIs('nothing waits', (part) => part.waitingReadings === 0);
    assert.equal(waitingSince, undefined);
  });

  it('do not go to the cloud with CLOUD_ENABLED=false, and commands are served all the same', async () => {
    house = await CloudHouse.open();
    const type = addForeignAddon(house.dataFolder, { slug: 'documented', source: 'documented-devices.ts' });
    await house.startDaemon({ CLOUD_ENABLED: 'false' });
    await house.connected();
    const record = { id: 'documented', slug: 'documented' };
    await house.publish('discover', 'protocol/post', { protocolRecord: record });
    await house.heard('discover', 'protocol');
    await house.publish('discover', 'device/post', { idIn: 'lamp', name: 'lamp', deviceType: type });
    const { api } = house.daemon;
    await until('its readings are stored', async () => {
      const { totalItems } = await api.get<{ totalItems: number }>('/device/v1/devices/lamp/data');
      return totalItems >= 3;
    });
    await house.publish('control', 'lamp/get', { requestId: 'r', deviceId: 'lamp', payload: {} });
    await house.heard('control', 'lamp/fetch');
    assert.deepEqual([...arrived().keys()], []);
  });

  it('go to the topic that the cloud gave', async () => {
    house = await CloudHouse.open();
    const type = addForeignAddon(house.dataFolder, { slug: 'documented', source: 'documented-devices.ts' });
    await house.startDaemon();
    await house.connected();
    const record = { id: 'documented', slug: 'documented' };
    await house.publish('discover', 'protocol/post', { protocolRecord: record });
    await house.heard('discover', 'protocol');
    const topic = house.topic('telemetry', 'floor/lamp');
    await house.publish('discover', 'device/post', { idIn: 'lamp', name: 'lamp', topic, deviceType: type });
    await until('its readings arrive there', () => house.cloud.on(topic).length >= 3);
  });
});
