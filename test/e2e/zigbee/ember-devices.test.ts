/** Devices behind an EmberZNet stick: let in, asked, read, controlled, removed; and what the stick itself goes through. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { typeIdOf } from '../../../addons/zigbee/src/type-id.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { GreenPowerSwitch } from '../../simulators/zigbee/devices/green-power-switch.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { EmberStick } from '../../simulators/zigbee/ember/ember-stick.ts';
import { withCrc } from '../../simulators/zigbee/install-code.ts';
import { until } from '../../support/until.ts';
import { type DeviceView, TYPES, ZigbeeHouse } from './zigbee-house.ts';

const HUE_TAP = typeIdOf('Philips', '8718696743133');
/** More frames than a stick sends in some hours. */
const FRAMES_SINCE_BACKUP = 100_000;

describe('a device behind an EmberZNet stick', () => {
  let house: ZigbeeHouse<EmberStick>;
  let bulb: ColourBulb;
  let lamp: string;
  let sensor: TemperatureSensor;
  let thermometer: string;

  const paired = ({ id, status }: DeviceView): string => {
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    return id;
  };
  before(async () => {
    house = await ZigbeeHouse.openOn(await EmberStick.start(), { parameters: { interviewSeconds: 5 } });
    bulb = house.radio.add(new ColourBulb());
    lamp = paired(await house.pair(TYPES.bulb, bulb, { touchlink: false }));
    sensor = house.radio.add(new TemperatureSensor());
    thermometer = paired(await house.pair(TYPES.thermometer, sensor));
  });
  after(() => house.close());

  const works = async (temperature: number) => {
    sensor.report({ temperature });
    await house.reading(thermometer, { temperature });
    const set = await house.set(lamp, { state: 'TOGGLE' });
    assert.equal(set.status, 200, JSON.stringify(set.body));
  };

  it('is paired, stays with a key of its own, and its reports become readings', async () => {
    await until('joining is closed', () => !house.radio.coordinator.permitsJoining);
    sensor.report({ temperature: 21.57, humidity: 44.2, battery: 87 });
    const { linkquality } = await house.reading(thermometer, { temperature: 21.57 });
    assert.equal(linkquality, sensor.linkQuality);
    await house.reading(thermometer, { humidity: 44.2 });
    await house.reading(thermometer, { battery: 87 });
    await until('each has a key', () => [bulb, sensor].every(({ membership }) => membership?.linkKey));
    assert.notEqual(sensor.endpoint(1).bindings.length, 0);
  });

  it('is controlled, and its acknowledgement awaited', async () => {
    assert.equal((await house.set(lamp, { state: 'ON', brightness: 120 })).status, 200);
    assert.deepEqual([bulb.state.on, bulb.state.level], [true, 120]);
    await house.reading(lamp, { state: 'ON', brightness: 120 });
    bulb.turn(false);
    assert.equal((await house.get(lamp, { state: '' })).response?.['state'], 'OFF');
  });

  it('is a contact that is enrolled as an alarm sensor', async () => {
    const contact = house.radio.add(new ContactSensor());
    const door = paired(await house.pair(TYPES.contact, contact));
    assert.equal(contact.enrolled, true);
    contact.move(true);
    await house.reading(door, { contact: false });
    contact.move(false);
    await house.reading(door, { contact: true });
  });

  it('is told of as unreachable without power, and goes on when it has some', async () => {
    bulb.switchOff();
    const { status, body } = await house.set(lamp, { state: 'ON' }, 14);
    assert.deepEqual([status, body.code], [503, 'deviceRefused'], JSON.stringify(body));
    assert.match(body.message, /Innr RB 285 C .*does not answer/);
    assert.match(body.hint ?? '', /is it powered and near enough/);
    bulb.switchOn();
    assert.equal((await house.set(lamp, { state: 'OFF' })).status, 200);
  });

  it('is told what its interview broke off at, and taken without a reset at the next attempt', async () => {
    const silent = house.radio.add(new TemperatureSensor({ pollMs: 0 }));
    silent.faults.set('activeEndpoints', 'refuse');
    const { id, status } = await house.pair(TYPES.thermometer, silent);
    assert.equal(status.reason?.code, 'interviewFailed', JSON.stringify(status.reason));
    assert.match(status.reason?.message ?? '', /did not list its endpoints/);
    silent.faults.mend();
    await house.startPairing(id);
    paired(await house.pairingEnd(id));
  });

  it('is let in with its install code alone', async () => {
    const code = withCrc(randomBytes(16));
    const secure = house.radio.add(new TemperatureSensor({ installCode: code, pollMs: 0 }));
    const printed = (bytes: Buffer) => ({ installCode: `${secure.ieee.slice(2)}|${bytes.toString('hex')}` });
    const id = await house.create(TYPES.thermometer, printed(withCrc(randomBytes(16))));
    await house.startPairing(id);
    await until('joining is open', () => house.radio.coordinator.permitsJoining);
    assert.equal(secure.join(), 'keyRefused');
    const { reason } = (await house.pairingEnd(id)).status;
    assert.equal(reason?.code, 'interviewFailed', JSON.stringify(reason));
    assert.match(reason?.hint ?? '', /install code is that of this device, digit by digit/);

    // until then the stick has the other code for it
    await until('joining is closed', () => !house.radio.coordinator.permitsJoining);
    paired(await house.pair(TYPES.thermometer, secure, printed(code)));
    await until('it has a key of its own', () => secure.membership?.linkKey);
  });

  it('is recognised when it comes back under another address, with the network’s key or without', async () => {
    for (const [secured, temperature] of [
      [true, 12.25],
      [false, 13.25],
    ] as const) {
      const before = sensor.membership?.address;
      assert.equal(sensor.rejoin({ newAddress: true, secured }), 'joined');
      assert.notEqual(sensor.membership?.address, before);
      sensor.report({ temperature });
      await house.reading(thermometer, { temperature });
    }
  });

  it('may be a switch without a battery, which a lamp near it is heard through', async () => {
    const tap = new GreenPowerSwitch(house.radio, bulb);
    try {
      const id = paired(await house.pair(HUE_TAP, tap, { ieeeAddress: tap.ieee }));
      tap.press(1);
      await house.reading(id, { action: 'press_1' });
    } finally {
      tap.stop();
    }
  });

  it('is told with others of its group by one frame', async () => {
    const { group } = (await house.action('createGroup', { name: 'hall' })).response ?? {};
    const added = await house.action('addToGroup', { group, deviceId: lamp });
    assert.equal(added.error, undefined, JSON.stringify(added.error));
    bulb.turn(false);
    for (const [state, on] of [
      ['ON', true],
      // from now on the stick hears its own frames to the group
      ['OFF', false],
    ] as const) {
      const told = await house.action('setGroup', { group, values: { state } });
      assert.equal(told.error, undefined, JSON.stringify(told.error));
      await until(`it is ${state}`, () => bulb.state.on === on);
    }
  });

  it('is heard and told again after a restart, and nothing new is given the key that a router lets in', async () => {
    const before = house.radio.network?.extendedPanId.toString('hex');
    await house.restart();
    await house.until('running', undefined, 40_000);
    assert.equal(house.radio.network?.extendedPanId.toString('hex'), before);
    await works(16.5);
    const stranger = house.radio.add(new TemperatureSensor());
    // the gateway was killed while a device was let in, or the router has been told by somebody else
    bulb.permitJoinUntilMs = Date.now() + 60_000;
    assert.equal(stranger.join(bulb), 'notPermitted');
    bulb.permitJoinUntilMs = 0;
  }).timeout(60_000);

  it('is heard and told again after the stick was pulled out', async () => {
    await house.radio.unplug();
    await house.until('degraded');
    const refused = await house.set(lamp, { state: 'ON' });
    assert.match(refused.body.message, /coordinator is not ready/);
    await house.radio.replug();
    await house.until('running', undefined, 40_000);
    await works(17.5);
  }).timeout(60_000);

  it('is not paired again where an empty stick is given the backup, however old', async () => {
    const { response, error } = await house.action('createBackup');
    assert.equal(error, undefined, JSON.stringify(error));
    assert.ok(Number(response?.['devices']) >= 2, JSON.stringify(response));
    assert.equal(existsSync(join(house.dataFolder, 'coordinator-backup.json')), true);
    const { port, air } = house.radio;
    await house.radio.unplug();
    await house.until('degraded');
    for (const { membership } of [bulb, sensor])
      if (membership) membership.frameCounter += FRAMES_SINCE_BACKUP;
    house.radio = await EmberStick.start({ port, air, ieee: '0x0c4314fffeaabbcc' });
    for (const device of [bulb, sensor]) house.radio.add(device);
    await house.until('running', undefined, 40_000);
    await until('it is said', () => /the network was restored to the stick/.test(house.log()));
    await works(18.5);
    assert.deepEqual(house.radio.unknownCommands, []);
  }).timeout(60_000);

  it('leaves when it is deleted', async () => {
    await house.api.send('DELETE', `/device/v1/devices/${lamp}`);
    await until('it has left', () => !bulb.joined);
  });
}).timeout(40_000);
