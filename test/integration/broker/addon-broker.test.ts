/**
 * The broker against mqtt.js, a client that nobody here wrote, with the real core and the real store behind it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { AddonBroker } from '../../../src/broker/addon-broker.ts';
import { Inbox } from '../../../src/broker/inbox.ts';
import { Devices } from '../../../src/core/devices/devices.ts';
import { TypeCatalogue } from '../../../src/core/devices/type-catalogue.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Figures } from '../../../src/core/figures.ts';
import { Health } from '../../../src/core/health.ts';
import { Protocols } from '../../../src/core/protocols/protocols.ts';
import { Readings } from '../../../src/core/readings.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { shortId } from '../../../src/lib/short-id.ts';
import { AvailabilityFile } from '../../../src/store/files/availability-file.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const BASE = `gate/addons/${TEST_ADDON}`;
const DATA = `${BASE}/devices/lamp/data`;

/** Unlike `events.once` it does not mind an error in between: some of these connections shall break. */
function happened(client: MqttClient, event: 'connect' | 'close' | 'message'): Promise<void> {
  return new Promise((resolve) => client.once(event, () => resolve()));
}

describe('the add-on broker', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  let broker: AddonBroker;
  let figures: Figures;
  let health: Health;
  let events: EventBus<GatewayEvents>;
  let availability: AvailabilityFile;
  let clients: MqttClient[];

  beforeEach(async () => {
    folder = tempFolder();
    clients = [];
    opened = await openStore(folder.path);
    await opened.store.saveDevice(testDevice('lamp'));
    await opened.store.saveDevice({ ...testDevice('stranger'), protocol: 'other' });
    const logger = createLogger('silent');
    events = new EventBus<GatewayEvents>((_event, error) => assert.fail(String(error)));
    health = new Health({ events, now: Date.now, vital: [] });
    availability = new AvailabilityFile({
      path: `${folder.path}/availability.db`,
      onTrouble: (words) => assert.fail(words),
    });
    await availability.start();
    const types = new TypeCatalogue();
    const devices = new Devices({
      registry: opened.store,
      availability,
      types,
      events,
      gatewayId: 'gateway',
      projectId: 'project',
      now: Date.now,
      newId: shortId,
    });
    await devices.start();
    broker = new AddonBroker({
      port: 0,
      events,
      logger,
      newId: shortId,
      now: Date.now,
      monotonicNow: () => performance.now(),
    });
    await broker.start();
    const protocols = new Protocols({
      registry: opened.store,
      devices,
      types,
      link: broker,
      health,
      events,
      now: Date.now,
    });
    await protocols.start([]);
    const readings = new Readings({ store: opened.store, devices, events });
    figures = new Figures({
      storeBytes: () => opened.store.bytes(),
      retention: { maxAgeSeconds: 1, maxBytes: 1 },
    });
    await broker.listen(
      new Inbox({ readings, devices, protocols, health, figures, events, logger, now: Date.now }),
    );
  });

  afterEach(async () => {
    for (const client of clients) client.end(true);
    await broker.stopIntake();
    await broker.stop();
    await opened.store.stop();
    await availability.stop();
    folder.remove();
  });

  function client(slug = TEST_ADDON, options: IClientOptions = {}): MqttClient {
    const { brokerUrl, addon, token } = broker.issue(slug);
    const made = mqtt.connect(brokerUrl, {
      clientId: addon,
      username: addon,
      password: token,
      protocolVersion: 4,
      reconnectPeriod: 0,
      keepalive: 5,
      ...options,
    });
    made.on('error', () => undefined);
    clients.push(made);
    return made;
  }

  async function connected(slug?: string, options?: IClientOptions): Promise<MqttClient> {
    const made = client(slug, options);
    await happened(made, 'connect');
    return made;
  }

  const reading = (id: string, data: object = { value: 1 }) => JSON.stringify({ id, ts: Date.now(), data });
  const stored = () =>
    opened.store.page({ deviceId: 'lamp', page: 1, perPage: 100, sortKey: 'ts', descending: false });

  it('has a further door, for callers out of one range alone', async () => {
    const url = await broker.openDoor({ address: '127.0.0.2', subnet: '127.0.0.0/30' });
    assert.equal(url, `mqtt://127.0.0.2:${broker.port}`);
    assert.equal(await broker.openDoor({ address: '127.0.0.2', subnet: '127.0.0.0/30' }), url);
    const refused = connectSocket({ host: '127.0.0.2', port: broker.port, localAddress: '127.0.0.9' });
    refused.on('error', () => undefined);
    await new Promise((resolve) => refused.once('close', resolve));
    const { addon, token } = broker.issue(TEST_ADDON);
    const inside = mqtt.connect(url, {
      clientId: addon,
      username: addon,
      password: token,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    clients.push(inside);
    await happened(inside, 'connect');
    broker.closeDoor();
    const late = connectSocket({ host: '127.0.0.2', port: broker.port });
    const [error] = await once(late, 'error');
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  });

  it('goes on for all others when an add-on takes nothing any more', async () => {
    const { addon, token } = broker.issue(TEST_ADDON);
    const stuck = connectSocket(broker.port, '127.0.0.1');
    stuck.on('error', () => undefined);
    const head = { protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 } as const;
    const login = { clientId: addon, username: addon, password: Buffer.from(token) };
    stuck.write(generate({ cmd: 'connect', ...head, ...login }));
    await once(stuck, 'data');
    const subscriptions = [{ topic: `${BASE}/config`, qos: 1 }] as const;
    stuck.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [...subscriptions] }));
    await once(stuck, 'data');
    stuck.pause();
    const ballast = 'x'.repeat(100_000);
    const passesOn = () => broker.getOn().then(() => true);
    const soon = (ms: number) => new Promise<boolean>((resolve) => setTimeout(resolve, ms, false));
    // until what the kernel takes in its place is full
    await until('it holds up the others', async () => {
      for (let n = 0; n < 20; n += 1)
        broker.configure(TEST_ADDON, { parameters: { ballast, n }, devices: [] });
      return !(await Promise.race([passesOn(), soon(500)]));
    });
    assert.equal(await passesOn(), true);
    stuck.destroy();
    const other = await connected('other');
    await other.publishAsync('gate/addons/other/devices/stranger/data', reading('b'), { qos: 1 });
  });

  it('lets in the token that a container holds since an earlier run, and no other', async () => {
    const { brokerUrl, addon, token } = broker.issue(TEST_ADDON);
    broker.readmit(TEST_ADDON, 'held');
    const login = (password: string) =>
      mqtt.connect(brokerUrl, {
        clientId: addon,
        username: addon,
        password,
        protocolVersion: 4,
        reconnectPeriod: 0,
      });
    const wrong = login(token);
    wrong.on('error', () => undefined);
    await happened(wrong, 'close');
    const right = login('held');
    clients.push(right);
    await happened(right, 'connect');
  });

  it('acknowledges a reading only once it is on disk', async () => {
    const addon = await connected();
    await addon.publishAsync(DATA, reading('a'), { qos: 1 });
    assert.equal(stored().totalItems, 1);
  });

  it('passes on what an add-on hears on its bus, and refuses what is none of it', async () => {
    const heard: GatewayEvents['busTelegramsHeard'][] = [];
    events.on('busTelegramsHeard', (each) => heard.push(each));
    const addon = await connected();
    const tell = (event: object) =>
      addon.publishAsync(`gate/addons/${TEST_ADDON}/events`, JSON.stringify(event), { qos: 1 });
    await tell({ type: 'busTelegrams', telegrams: [{ raw: '01' }], leftOut: 3 });
    await tell({ type: 'busTelegrams', telegrams: 'none' });
    await tell({ type: 'busTelegrams', telegrams: Array.from({ length: 201 }, () => ({})) });
    assert.deepEqual(
      heard.map(({ slug, telegrams, leftOut }) => ({ slug, telegrams, leftOut })),
      [{ slug: TEST_ADDON, telegrams: [{ raw: '01' }], leftOut: 3 }],
    );
    assert.equal(health.part(`addon:${TEST_ADDON}`)?.badMessages, 2);
  });

  it('stores a reading that is delivered twice once', async () => {
    const addon = await connected();
    await addon.publishAsync(DATA, reading('a'), { qos: 1 });
    await addon.publishAsync(DATA, reading('a'), { qos: 1, dup: true });
    assert.equal(stored().totalItems, 1);
  });

  it('counts readings that were stored, delivered again and refused', async () => {
    const addon = await connected();
    for (const id of ['a', 'b', 'a']) await addon.publishAsync(DATA, reading(id), { qos: 1 });
    await addon.publishAsync(DATA, '{"id": "c"}', { qos: 1 });
    const { recorded, repeated, refused } = figures;
    assert.deepEqual(
      [recorded, repeated, refused].map((tally) => tally.of(TEST_ADDON)),
      [2, 1, 1],
    );
    assert.ok((await figures.storeBytes()) > 0);
  });

  it('refuses a log-in with a wrong token, none, an old one, or under another client id', async () => {
    const { token } = broker.issue(TEST_ADDON);
    broker.issue(TEST_ADDON);
    for (const options of [
      { password: 'wrong' },
      { password: token },
      { username: '', password: '' },
      { clientId: 'other' },
    ]) {
      const refused = client(TEST_ADDON, options);
      await happened(refused, 'close');
      assert.equal(refused.connected, false);
    }
  });

  it('counts bad messages, acknowledges them, names each kind once, and goes on', async () => {
    const addon = await connected();
    const bad = [
      [DATA, 'not json'],
      [DATA, '{"id":"x"}'],
      [DATA, JSON.stringify({ id: 'x', ts: 'noon', data: {} })],
      [DATA, JSON.stringify({ id: 'x', ts: -1, data: {} })],
      [DATA, JSON.stringify({ id: 'x', ts: 1, data: 5 })],
      [DATA, JSON.stringify({ id: 'x'.repeat(65), ts: 1, data: {} })],
      [DATA, reading('deep', JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`))],
      [DATA, reading('big', { text: 'x'.repeat(200_000) })],
      [`${BASE}/devices/nobody/data`, reading('b')],
      [`${BASE}/devices/stranger/data`, reading('c')],
      [`${BASE}/state`, '{"state":"singing"}'],
      [`${BASE}/somewhere/else`, '{}'],
      ['gate/addons/other/state', '{}'],
    ] as const;
    for (const [topic, payload] of bad) await addon.publishAsync(topic, payload, { qos: 1 });
    await addon.publishAsync(DATA, reading('good'), { qos: 1 });
    assert.equal(stored().totalItems, 1);
    assert.equal((health.part(`addon:${TEST_ADDON}`)?.badMessages ?? 0) >= 12, true);
  });

  it('delivers to an add-on its own config and requests, whatever another one publishes', async () => {
    const victim = await connected(TEST_ADDON);
    const heard: string[] = [];
    victim.on('message', (topic) => heard.push(topic));
    await victim.subscribeAsync([`${BASE}/config`, `${BASE}/requests/+`], { qos: 1 });
    const attacker = await connected('other');
    await attacker.publishAsync(`${BASE}/config`, '{"parameters":{},"devices":[]}', { qos: 1, retain: true });
    await attacker.publishAsync(`${BASE}/requests/1`, '{}', { qos: 1 });
    broker.configure(TEST_ADDON, { parameters: {}, devices: [] });
    await happened(victim, 'message');
    assert.deepEqual(heard, [`${BASE}/config`]);
  });

  it('refuses to let an add-on listen outside its base', async () => {
    const addon = await connected();
    for (const filter of ['#', 'gate/addons/+/config', 'gate/addons/other/config', `${BASE}/#`, '$SYS/#']) {
      await assert.rejects(addon.subscribeAsync(filter, { qos: 1 }), filter);
    }
  });

  it('ends the connection of an add-on that sends a packet of 10 MB, and takes it back later', async () => {
    const addon = await connected();
    addon.publish(DATA, Buffer.alloc(10_000_000), { qos: 1 });
    await happened(addon, 'close');
    const again = await connected();
    await again.publishAsync(DATA, reading('a'), { qos: 1 });
    assert.equal(stored().totalItems, 1);
  });

  it('outlives bytes that are no MQTT at all', async () => {
    const socket = connectSocket(broker.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    await connected();
  });

  it('sends a request and takes its one result', async () => {
    const addon = await connected();
    await addon.subscribeAsync(`${BASE}/requests/+`, { qos: 1 });
    addon.on('message', (topic, payload) => {
      const { params } = JSON.parse(payload.toString()) as { params: object };
      addon.publish(topic.replace('/requests/', '/results/'), JSON.stringify({ ok: true, value: params }), {
        qos: 1,
      });
    });
    const answer = await broker.request(TEST_ADDON, {
      method: 'set',
      deviceId: 'lamp',
      params: { on: true },
      timeoutMs: 5_000,
    });
    assert.deepEqual(answer, { on: true });
  });

  it('ends a request with the add-on’s own refusal, its deadline, or the end of its connection', async () => {
    const ask = (timeoutMs: number) => broker.request(TEST_ADDON, { method: 'set', params: {}, timeoutMs });
    await assert.rejects(ask(5_000), { code: 'addonUnavailable' });
    const addon = await connected();
    await addon.subscribeAsync(`${BASE}/requests/+`, { qos: 1 });
    await assert.rejects(ask(50), { code: 'deviceTimeout' });
    addon.once('message', (topic) => {
      const error = { code: 'unreachable', message: 'it is gone', hint: 'power it' };
      addon.publish(topic.replace('/requests/', '/results/'), JSON.stringify({ ok: false, error }), {
        qos: 1,
      });
    });
    await assert.rejects(ask(5_000), {
      code: 'deviceRefused',
      message: 'it is gone',
      hint: 'power it',
      reasonCode: 'unreachable',
    });
    addon.once('message', (topic) => {
      const error = { code: 'timeout', message: 'it may have done it' };
      addon.publish(topic.replace('/requests/', '/results/'), JSON.stringify({ ok: false, error }), {
        qos: 1,
      });
    });
    await assert.rejects(ask(5_000), { code: 'deviceTimeout', message: 'it may have done it' });
    const abandoned = ask(5_000);
    addon.end(true);
    await assert.rejects(abandoned, { code: 'addonUnavailable' });
  });

  it('keeps taking another add-on’s readings while one floods it', async () => {
    await opened.store.saveDevice({ ...testDevice('busy'), protocol: 'flood' });
    const flood = await connected('flood');
    const flooding = setInterval(() => {
      for (let n = 0; n < 500 && flood.connected; n += 1)
        flood.publish('gate/addons/flood/devices/busy/data', reading(`f${n}`), { qos: 1 });
    }, 1);
    try {
      const calm = await connected();
      for (let n = 0; n < 20; n += 1) await calm.publishAsync(DATA, reading(`r${n}`), { qos: 1 });
      assert.equal(stored().totalItems, 20);
    } finally {
      clearInterval(flooding);
    }
  });
});
