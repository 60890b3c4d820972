/** Which devices of a real network are watched, so that somebody is told when one is gone. */
import assert from 'node:assert/strict';
import { BoundDevices } from '../../../addons/zigbee/src/devices/bound-devices.ts';
import { NetworkDevices } from '../../../addons/zigbee/src/devices/network-devices.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { GreenPowerSwitch } from '../../simulators/zigbee/devices/green-power-switch.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { until } from '../../support/until.ts';
import { ZigbeeHost } from './support/zigbee-host.ts';

describe('the devices of a Zigbee network', () => {
  let radio: SimulatedRadio;
  let host: ZigbeeHost;
  before(async () => {
    radio = await SimulatedRadio.start();
    host = new ZigbeeHost();
    await host.start(radio.url);
  });
  after(async () => {
    await host.remove();
    await radio.stop();
  });

  it('are watched where they are the gateway’s, each as its kind; a switch without a battery is not', async () => {
    const [bulb, sensor, strange] = [new ColourBulb(), new TemperatureSensor(), new ColourBulb()];
    for (const device of [bulb, sensor, strange]) {
      radio.add(device);
      await host.pair(device);
    }
    const tap = new GreenPowerSwitch(radio, bulb);
    assert.equal(tap.commission(), true);
    const known = await until('it is known', () => host.controller.getDeviceByIeeeAddr(tap.ieee));
    assert.equal(known.type, 'GreenPower');

    const bound = new BoundDevices();
    for (const ieee of [bulb.ieee, sensor.ieee, tap.ieee]) bound.bind(ieee, ieee);
    const up = { isUp: true, controller: host.controller };
    const devices = new NetworkDevices({ bound, radio: up as never, gate: {} as never });
    const watched = [...devices.watched()].map(({ ieeeAddress, isSleepy }) => [ieeeAddress, isSleepy]);
    assert.deepEqual(watched, [
      [bulb.ieee, false],
      [sensor.ieee, true],
    ]);
  }).timeout(60_000);
});
