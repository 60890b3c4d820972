/** The stick's own life: away and back, mute, foreign, empty; and the network that outlives it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

describe('the Zigbee coordinator', () => {
  let house: ZigbeeHouse;
  afterEach(() => house.close());

  it('is waited for, and makes a network of this box’s own', async () => {
    house = await ZigbeeHouse.open({ installed: false });
    await house.radio.unplug();
    await house.install({ channel: 20 });
    const { reason } = await house.until('degraded', 'tcpUnreachable');
    assert.match(reason ?? '', /cannot be reached.*is it powered/);
    await house.radio.replug();
    await house.until('running');
    const network = house.radio.network;
    assert.equal(network?.channel, 20);
    assert.notEqual(network?.networkKey.toString('hex'), '01030507090b0d0f00020406080a0c0d');
    const key = network?.networkKey.toString('hex') as string;
    for (const name of readdirSync(house.dataFolder)) {
      assert.equal(statSync(join(house.dataFolder, name)).mode & 0o077, 0, `${name} can be read by others`);
    }
    const shown = JSON.stringify([
      house.daemon.log,
      await house.api.get('/device/v1/protocols/zigbee'),
      await house.api.get('/health/ready'),
    ]);
    assert.equal(shown.includes(key), false);
    assert.equal(shown.includes([...Buffer.from(key, 'hex')].join(',')), false);
  });

  it('is taken up again when it was pulled out, when it hung, and when its network broke', async () => {
    house = await ZigbeeHouse.open();
    const bulb = house.radio.add(new ColourBulb());
    const { id } = await house.pair(TYPES.bulb, bulb);

    await house.radio.unplug();
    const gone = await house.until('degraded');
    assert.match(gone.reason ?? '', /^(stickGone|tcpUnreachable): /);
    const refused = await house.set(id, { state: 'ON' });
    assert.equal(refused.status, 503);
    assert.match(refused.body.message, /coordinator is not ready/);
    await house.radio.replug();
    await house.until('running', undefined, 10_000);
    assert.equal((await house.set(id, { state: 'ON' })).status, 200);

    house.radio.dropConnection();
    await house.until('degraded', 'stickGone');
    await house.until('running', undefined, 10_000);

    house.radio.mute();
    await house.until('degraded', 'stickMute', 40_000);
    house.radio.unmute();
    await house.until('running', undefined, 10_000);
    assert.equal((await house.set(id, { state: 'OFF' })).status, 200);
    assert.equal(house.radio.network?.panId, bulb.membership?.network.panId);
  }).timeout(90_000);

  it('keeps its network across a restart of the gateway, and across a power cut', async () => {
    house = await ZigbeeHouse.open();
    const sensor = house.radio.add(new TemperatureSensor());
    const { id } = await house.pair(TYPES.thermometer, sensor);
    const before = house.radio.network?.extendedPanId.toString('hex');
    let temperature = 15.5;
    // at first the power goes while the pairing has only just been acknowledged
    for (const how of ['kill', 'stop', 'kill'] as const) {
      await house.restart(how);
      await house.until('running', undefined, 40_000);
      // what it said last, before it says anything
      if (how === 'stop') assert.equal((await house.get(id)).response?.['temperature'], temperature);
      assert.equal(house.radio.network?.extendedPanId.toString('hex'), before);
      temperature += 1;
      sensor.report({ temperature });
      await house.reading(id, { temperature });
    }
  }).timeout(120_000);

  it('survives a database that a power cut has damaged', async () => {
    house = await ZigbeeHouse.open();
    const sensor = house.radio.add(new TemperatureSensor());
    const { id } = await house.pair(TYPES.thermometer, sensor);
    await house.restart();
    await house.until('running', undefined, 40_000);
    await house.daemon.stop();
    const path = join(house.dataFolder, 'database.db');
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.slice(0, whole.length - 200));
    await house.restart();
    await house.until('running', undefined, 40_000);
    sensor.report({ temperature: 16.5 });
    await house.reading(id, { temperature: 16.5 });
    assert.match(house.log(), /database\.db is damaged: its previous copy was put in its place/);
  }).timeout(120_000);

  it('is asked anew for what it has, where its first start was broken off in the middle of that', async () => {
    house = await ZigbeeHouse.open();
    await house.daemon.stop();
    const path = join(house.dataFolder, 'database.db');
    const coordinator = JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '') as object;
    assert.deepEqual(Object.keys(coordinator).includes('endpoints'), true);
    writeFileSync(path, JSON.stringify({ ...coordinator, epList: [], endpoints: {} }));
    await house.restart();
    await house.until('running', undefined, 40_000);
    const sensor = house.radio.add(new TemperatureSensor());
    const { status } = await house.pair(TYPES.thermometer, sensor);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.notEqual(sensor.endpoint(1).bindings.length, 0);
  }).timeout(90_000);

  it('is never overwritten when it belongs to another network, unless a person says so', async () => {
    const other = await ZigbeeHouse.open({ radio: {} });
    const panId = other.radio.network?.panId;
    await other.daemon.stop();
    house = await ZigbeeHouse.open({ installed: false });
    await house.radio.stop();
    house.radio = other.radio;
    await house.install();
    const { reason } = await house.until('degraded', 'foreignNetwork');
    assert.match(reason ?? '', new RegExp(`PAN 0x${panId?.toString(16).padStart(4, '0')}`));
    assert.equal(house.radio.coordinator.store.load()?.panId, panId);
    const taken = await house.action('takeOverStick');
    assert.equal(taken.response?.['state'], 'done', JSON.stringify(taken.error));
    await house.until('running', undefined, 40_000);
    const own = house.radio.network?.panId;
    assert.notEqual(own, panId);
    other.folder.remove();

    // one that is put in its place later, and taken away again: nobody has to say anything
    const bulb = house.radio.add(new ColourBulb());
    const { id, status } = await house.pair(TYPES.bulb, bulb, { touchlink: false });
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    await house.radio.unplug();
    await house.until('degraded');
    const network = {
      panId: 0x2b2b,
      extendedPanId: Buffer.from('1122334455667788', 'hex'),
      channel: 21,
      networkKey: Buffer.alloc(16, 7),
    };
    const stranger = await SimulatedRadio.start({ port: house.radio.port, network });
    await house.until('degraded', 'foreignNetwork');
    assert.equal(stranger.network?.panId, 0x2b2b);
    await stranger.stop();
    await house.radio.replug();
    await house.until('running', undefined, 40_000);
    assert.equal(house.radio.network?.panId, own);
    assert.equal((await house.set(id, { state: 'ON' })).status, 200);
  }).timeout(90_000);

  it('gives an empty stick the network back: no device is paired again', async () => {
    house = await ZigbeeHouse.open();
    const bulb = house.radio.add(new ColourBulb());
    const { id } = await house.pair(TYPES.bulb, bulb);
    // nobody asks for it: it is made after each change of the devices
    await until('the backup knows the bulb', () => {
      const path = join(house.dataFolder, 'coordinator-backup.json');
      return existsSync(path) && readFileSync(path, 'utf8').includes(bulb.ieee.slice(2));
    });
    assert.deepEqual((await house.action('createBackup')).response?.['devices'], 1);
    const { port, air } = house.radio;
    await house.radio.unplug();
    await house.until('degraded');
    // what the stick has sent since the backup was made
    if (bulb.membership) bulb.membership.frameCounter += 100_000;
    house.radio = await SimulatedRadio.start({ port, air, ieee: '0x00124b00aaaaaaaa' });
    house.radio.add(bulb);
    await house.until('running', undefined, 60_000);
    await until('it is said', () => /the network was restored to the stick/.test(house.log()));
    await until('the bulb answers', async () => (await house.set(id, { state: 'ON' })).status === 200);
    assert.equal(bulb.state.on, true);
  }).timeout(120_000);

  it('says that a network on another channel is not where the settings want it, and works', async () => {
    house = await ZigbeeHouse.open();
    const bulb = house.radio.add(new ColourBulb());
    const { id } = await house.pair(TYPES.bulb, bulb);
    house.radio.strayTo(25);
    if (bulb.membership) bulb.membership.network = { ...bulb.membership.network, channel: 25 };
    await house.restart();
    const { reason } = await house.until('degraded', 'wrongChannel', 40_000);
    assert.match(
      reason ?? '',
      /works on channel 25, and is wanted on 15; devices stay reachable; run the action "changeChannel"/,
    );
    assert.equal((await house.set(id, { state: 'ON' })).status, 200);
  }).timeout(90_000);

  it('moves the whole network to another channel when a person says so, and keeps it there', async () => {
    house = await ZigbeeHouse.open();
    const [bulb, sensor] = [house.radio.add(new ColourBulb()), house.radio.add(new TemperatureSensor())];
    const { id } = await house.pair(TYPES.bulb, bulb, { touchlink: false });
    const thermometer = await house.pair(TYPES.thermometer, sensor);
    const backup = join(house.dataFolder, 'coordinator-backup.json');
    const madeBefore = existsSync(backup) ? statSync(backup).mtimeMs : 0;
    const { response, error } = await house.action('changeChannel', { channel: 24 });
    assert.deepEqual(response, { channel: 24, state: 'done' }, JSON.stringify(error));
    assert.ok(statSync(backup).mtimeMs > madeBefore, 'no backup was made before the move');
    const works = async () => {
      await house.until('running', undefined, 40_000);
      assert.equal((await house.action('describeNetwork')).response?.['channel'], 24);
      assert.equal(house.radio.network?.channel, 24);
      assert.equal(bulb.membership?.network.channel, 24);
      assert.equal((await house.set(id, { state: 'TOGGLE' })).status, 200);
    };
    await works();
    sensor.report({ temperature: 7.5 });
    await house.reading(thermometer.id, { temperature: 7.5 });
    await house.restart();
    await works();
    for (const channel of [10, 27]) {
      const refused = await house.action('changeChannel', { channel });
      assert.equal(refused.error?.code, 'badRequest', JSON.stringify(refused));
    }
  }).timeout(90_000);

  it('is not taken for one when it speaks something else', async () => {
    house = await ZigbeeHouse.open({ installed: false });
    const ember = createServer((socket) => {
      socket.on('error', () => undefined);
      // RSTACK: version 2, reset by software
      socket.on('data', (bytes) => bytes.includes(0xc0) && socket.write(Buffer.from('c1020b0a527e', 'hex')));
    });
    const sockets = new Set<{ destroy(): void }>();
    ember.on('connection', (socket) => sockets.add(socket));
    ember.listen(0, '127.0.0.1');
    await once(ember, 'listening');
    await house.install({ port: `tcp://127.0.0.1:${(ember.address() as AddressInfo).port}` });
    const { reason } = await house.until('degraded', 'wrongAdapter');
    assert.match(reason ?? '', /speaks EmberZNet.*"adapter": "ember"/);
    for (const socket of sockets) socket.destroy();
    ember.close();
  });

  it('is missing where none was named', async () => {
    house = await ZigbeeHouse.open({ installed: false });
    await house.api.send('POST', '/device/v1/protocols/zigbee/installation', { parameters: {} });
    const { reason } = await house.until('degraded', 'noPort');
    assert.match(reason ?? '', /scan the protocol/);
    const refused = await house.action('takeOverStick');
    assert.equal(refused.error?.code, 'coordinatorNotReady', JSON.stringify(refused));
  });
}).timeout(60_000);
