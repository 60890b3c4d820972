/** Green Power: switches without a battery, which are heard and cannot be told anything. */
import assert from 'node:assert/strict';
import { typeIdOf } from '../../../addons/zigbee/src/type-id.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { GreenPowerSwitch } from '../../simulators/zigbee/devices/green-power-switch.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

const HUE_TAP = typeIdOf('Philips', '8718696743133');

describe('a Green Power switch', () => {
  let house: ZigbeeHouse;
  let bulb: ColourBulb;
  let tap: GreenPowerSwitch;
  let id: string;
  before(async () => {
    house = await ZigbeeHouse.open();
    bulb = house.radio.add(new ColourBulb());
    const { status } = await house.pair(TYPES.bulb, bulb, { touchlink: false });
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    tap = new GreenPowerSwitch(house.radio, bulb);
  });
  after(async () => {
    tap.stop();
    await house.close();
  });

  it('is paired by its button, as what it is', async () => {
    const other = await house.create(TYPES.thermometer);
    await house.startPairing(other, { joinSeconds: 3 });
    tap.seek();
    const turnedAway = await house.pairingEnd(other);
    assert.equal(turnedAway.status.reason?.code, 'wrongModel', JSON.stringify(turnedAway.status));
    assert.match(turnedAway.status.reason?.message ?? '', /Hue tap/);

    const device = await house.pair(HUE_TAP, tap, { ieeeAddress: tap.ieee });
    assert.equal(device.status.eventType, 'paired', JSON.stringify(device.status.reason));
    assert.deepEqual(device.address, {
      ieeeAddress: tap.ieee,
      manufacturer: 'Philips',
      model: '8718696743133',
      modelId: 'GreenPower_2',
    });
    ({ id } = device);
  });

  it('tells which button was pressed, also after a restart', async () => {
    tap.press(1);
    await house.reading(id, { action: 'press_1' });
    tap.press(3);
    await house.reading(id, { action: 'press_3' });
    await house.restart();
    await house.until('running', undefined, 40_000);
    tap.press(4);
    await house.reading(id, { action: 'press_4' });
  }).timeout(60_000);

  it('cannot be told anything, and says so', async () => {
    const refused = await house.set(id, { state: 'ON' });
    assert.equal(refused.status, 400, JSON.stringify(refused.body));
    assert.match(refused.body.message, /this model has no "state"/);
    assert.equal((await house.get(id)).response?.['action'], 'press_4');
  });

  it('is removed without its doing, and paired again', async () => {
    const removed = await house.api.call('DELETE', `/device/v1/devices/${id}`);
    assert.equal(removed.status, 200, JSON.stringify(removed.body));
    assert.equal((removed.body as { forcedOut?: unknown }).forcedOut, undefined);
    const again = await house.pair(HUE_TAP, tap);
    assert.equal(again.status.eventType, 'paired', JSON.stringify(again.status.reason));
    await until('it is heard', async () => {
      tap.press(2);
      return (await house.readings(again.id)).some(({ action }) => action === 'press_2');
    });
  }).timeout(60_000);
}).timeout(60_000);
