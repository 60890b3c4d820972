/** Frames from the wild, through the real add-on: whatever comes, it goes on, with the devices that it has. */
import assert from 'node:assert/strict';
import { ANY_DEVICE_TYPE } from '../../../addons/zigbee/src/type-id.ts';
import type { SimulatedDevice } from '../../simulators/zigbee/device.ts';
import { AirSensor } from '../../simulators/zigbee/devices/air-sensor.ts';
import { AqaraButton } from '../../simulators/zigbee/devices/aqara-button.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { MeteringPlug } from '../../simulators/zigbee/devices/metering-plug.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { Thermostat } from '../../simulators/zigbee/devices/thermostat.ts';
import { TuyaSwitch } from '../../simulators/zigbee/devices/tuya-switch.ts';
import { seededRandom } from '../../simulators/zigbee/random.ts';
import { WildFrames } from '../../simulators/zigbee/wild-frames.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

/** `WILD_SEED=<seed>` sends the same frames again. */
const SEED = Number(process.env['WILD_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const ROUNDS = 40;
const FRAMES_PER_ROUND = 100;

describe(`frames from the wild (WILD_SEED=${SEED})`, () => {
  let house: ZigbeeHouse;
  const wild = new WildFrames(seededRandom(SEED));
  const bulb = new ColourBulb();
  const sensor = new TemperatureSensor();
  const ids = new Map<SimulatedDevice, string>();

  before(async () => {
    house = await ZigbeeHouse.open();
    for (const [type, device] of [
      [TYPES.bulb, bulb],
      [TYPES.thermometer, sensor],
      [TYPES.contact, new ContactSensor()],
      [TYPES.thermostat, new Thermostat()],
      [TYPES.plug, new MeteringPlug()],
      [TYPES.air, new AirSensor()],
      [TYPES.button, new AqaraButton()],
      [ANY_DEVICE_TYPE, new TuyaSwitch()],
    ] as [string, SimulatedDevice][]) {
      const { id, status } = await house.pair(type, house.radio.add(device), { touchlink: false });
      assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
      ids.set(device, id);
    }
  });
  after(() => house.close());

  const idOf = (device: SimulatedDevice) => ids.get(device) ?? '';
  /** What was sent before has been handled: the stick's bytes come in order. What was bent may have swallowed one. */
  const hears = (temperature: number) =>
    until('a reading comes through', async () => {
      sensor.report({ temperature });
      return (await house.readings(idOf(sensor))).some((reading) => reading['temperature'] === temperature);
    });
  const stillRuns = async () => {
    assert.equal((await house.part())?.restarts ?? 0, 0, house.log());
    assert.equal((await house.part())?.state, 'running');
  };

  it('of paired devices do not end the add-on, nor what it does for them', async () => {
    const devices = [...ids.keys()];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let count = 0; count < FRAMES_PER_ROUND; count += 1) {
        const device = wild.of(devices);
        wild.of(device.endpoints).sendRaw(wild.cluster(), wild.zcl());
      }
      await house.radio.drained();
    }
    await hears(11.25);
    assert.equal((await house.set(idOf(bulb), { state: 'OFF' })).status, 200);
    await stillRuns();
  }).timeout(120_000);

  it('of the stick itself do not either', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let count = 0; count < FRAMES_PER_ROUND; count += 1) house.radio.writeRaw(wild.mt());
      await house.radio.drained();
    }
    await hears(12.5);
    assert.equal((await house.set(idOf(bulb), { state: 'ON' })).status, 200);
    await stillRuns();
  }).timeout(120_000);

  it('leave the network as it was, over a restart too', async () => {
    await house.restart();
    await house.until('running', undefined, 40_000);
    await hears(13.75);
    assert.equal((await house.set(idOf(bulb), { state: 'OFF' })).status, 200);
  }).timeout(90_000);
}).timeout(120_000);
