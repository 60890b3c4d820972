/** Zigbee end to end: paired, read, controlled, removed, through the real daemon, add-on and library. */
import assert from 'node:assert/strict';
import { ANY_DEVICE_TYPE } from '../../../addons/zigbee/src/type-id.ts';
import { AqaraButton } from '../../simulators/zigbee/devices/aqara-button.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { Thermostat } from '../../simulators/zigbee/devices/thermostat.ts';
import { TuyaSwitch } from '../../simulators/zigbee/devices/tuya-switch.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

describe('a Zigbee device', () => {
  let house: ZigbeeHouse;
  before(async () => {
    house = await ZigbeeHouse.open();
  });
  after(() => house.close());

  it('is paired, and its reports become readings', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    const { id, status, address } = await house.pair(TYPES.thermometer, sensor);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.deepEqual(address, {
      ieeeAddress: sensor.ieee,
      manufacturer: 'SONOFF',
      model: 'SNZB-02',
      modelId: 'TH01',
    });
    await until('joining is closed', () => !house.radio.coordinator.permitsJoining);
    sensor.report({ temperature: 21.57, humidity: 44.2, battery: 87 });
    const { linkquality } = await house.reading(id, { temperature: 21.57 });
    assert.equal(linkquality, sensor.linkQuality);
    await house.reading(id, { humidity: 44.2 });
    await house.reading(id, { battery: 87 });
    const { response } = await house.get(id);
    assert.deepEqual([response?.['temperature'], response?.['battery']], [21.57, 87]);
  });

  it('is recognised when it comes back under another network address', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    const { id } = await house.pair(TYPES.thermometer, sensor);
    sensor.rejoin({ newAddress: true });
    sensor.report({ temperature: 12.25 });
    await house.reading(id, { temperature: 12.25 });
  });

  for (const how of ['said that it leaves', 'said nothing'] as const) {
    it(`is its own again when it was reset, ${how}, and joins while another one is waited for`, async () => {
      const sensor = house.radio.add(new TemperatureSensor());
      const { id, status } = await house.pair(TYPES.thermometer, sensor);
      assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
      const bindings = () => sensor.endpoint(1).bindings.length;
      const before = bindings();
      assert.notEqual(before, 0);
      if (how === 'said nothing') sensor.reset();
      else sensor.leave();
      assert.equal(bindings(), 0);

      const other = await house.create(TYPES.thermometer);
      await house.startPairing(other, { joinSeconds: 6 });
      sensor.seek();
      const { reason } = (await house.pairingEnd(other)).status;
      assert.equal(reason?.code, 'alreadyPaired', JSON.stringify(reason));
      assert.match(reason?.message ?? '', new RegExp(`${sensor.ieee}.*as device "${id}"`));
      await until('it is set up as before', () => bindings() === before);
      sensor.report({ temperature: 9.75 });
      await house.reading(id, { temperature: 9.75 });
      assert.equal((await house.device(id)).availability?.online, true);
    });
  }

  it('is paired again when it was reset', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    const { id } = await house.pair(TYPES.thermometer, sensor);
    sensor.reset();
    await house.startPairing(id);
    sensor.seek();
    const { status, address } = await house.pairingEnd(id);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.equal(address?.['ieeeAddress'], sensor.ieee);
    assert.notEqual(sensor.endpoint(1).bindings.length, 0);
  });

  it('is a thermostat that is told what to heat to, within its range', async () => {
    const thermostat = house.radio.add(new Thermostat());
    const { id, status } = await house.pair(TYPES.thermostat, thermostat);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    const set = await house.set(id, { occupied_heating_setpoint: 22.5 });
    assert.equal(set.status, 200, JSON.stringify(set.body));
    await until('it heats to that', () => thermostat.state.setpoint === 22.5);
    const refused = await house.set(id, { occupied_heating_setpoint: 99 });
    assert.deepEqual([refused.status, refused.body.code], [400, 'badRequest']);
    assert.match(refused.body.message, /must be from \d+ to 30 °C, and 99 is not/);
    thermostat.report(19.5);
    await house.reading(id, { local_temperature: 19.5 });
  });

  it('speaks a dialect of its maker', async () => {
    const button = house.radio.add(new AqaraButton());
    const { id, status } = await house.pair(TYPES.button, button);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    button.press('single');
    await house.reading(id, { action: 'single' });
    const wall = house.radio.add(new TuyaSwitch());
    const tuya = await house.pair(ANY_DEVICE_TYPE, wall);
    assert.equal(tuya.status.eventType, 'paired', JSON.stringify(tuya.status.reason));
    wall.press();
    await until('its reading', async () =>
      (await house.readings(tuya.id)).some(({ state }) => state !== undefined),
    );
  });

  it('is controlled, and its acknowledgement awaited', async () => {
    const bulb = house.radio.add(new ColourBulb());
    const { id, status } = await house.pair(TYPES.bulb, bulb);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.deepEqual((await house.set(id, { state: 'ON', brightness: 120 })).status, 200);
    assert.deepEqual([bulb.state.on, bulb.state.level], [true, 120]);
    await house.reading(id, { state: 'ON', brightness: 120 });
    await house.set(id, { state: 'TOGGLE' });
    assert.equal(bulb.state.on, false);
    const refused = await house.set(id, { brightness: 300 });
    assert.equal(refused.status, 400);
    assert.match(refused.body.message, /"brightness" must be from 0 to 254/);
    const unknown = await house.set(id, { humidity: 3 });
    assert.match(unknown.body.message, /no "humidity"/);
    assert.match(unknown.body.hint ?? '', /brightness/);
    bulb.turn(true);
    assert.equal((await house.get(id, { state: '' })).response?.['state'], 'ON');
    await house.api.send('DELETE', `/device/v1/devices/${id}`);
    await until('it has left', () => !bulb.joined);
  });
});
