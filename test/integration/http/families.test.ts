import assert from 'node:assert/strict';
import { homewizard } from '../../../addons/http/src/families/homewizard.ts';
import { shellyGen1 } from '../../../addons/http/src/families/shelly-gen1.ts';
import { shellyGen2 } from '../../../addons/http/src/families/shelly-gen2.ts';
import { tasmota } from '../../../addons/http/src/families/tasmota.ts';
import { wled } from '../../../addons/http/src/families/wled.ts';
import { HomeWizardP1 } from '../../simulators/http/homewizard.ts';
import type { HttpDevice } from '../../simulators/http/http-device.ts';
import { Shelly3Em } from '../../simulators/http/shelly-em3.ts';
import { ShellyPlusPlugS } from '../../simulators/http/shelly-gen2.ts';
import { TasmotaPlug } from '../../simulators/http/tasmota.ts';
import { WledStrip } from '../../simulators/http/wled.ts';
import { ShellyPlugS } from '../../simulators/shelly-plug-s.ts';
import { until } from '../../support/until.ts';
import { AddonUnderTest } from './addon-under-test.ts';

const HERE = { hostname: '127.0.0.1', interval: 1 };

describe('the families of HTTP devices', () => {
  let addon: AddonUnderTest;
  const running: { stop(): Promise<void> }[] = [];

  beforeEach(() => {
    addon = new AddonUnderTest();
  });
  afterEach(async () => {
    addon.stop();
    for (const device of running.splice(0)) await device.stop();
  });

  async function on<Device extends HttpDevice>(device: Device, host = '127.0.0.1'): Promise<Device> {
    await device.start(0, host);
    running.push(device);
    return device;
  }
  const reading = (id: string) => until('a reading', () => addon.lastOf(id));

  it('read and switch a Shelly of the first generation, with its login', async () => {
    const plug = new ShellyPlugS({ login: { username: 'admin', password: 'geheim' } });
    running.push(plug);
    const port = await plug.start();
    const there = { ...HERE, port };
    await assert.rejects(addon.pair('p', shellyGen1.typeId, there), { code: 'refused', deviceStatus: 401 });
    const address = await addon.pair('p', shellyGen1.typeId, {
      ...there,
      authentication: { password: 'geheim' },
    });
    assert.deepEqual([address['identity'], address['model']], ['7C87CEB4A1F0', 'SHPLG-S']);
    assert.equal((await reading('p'))['state'], 'OFF');
    await addon.set('p', { state: 'ON' });
    assert.equal(plug.on, true);
    const values = (await addon.get('p')) as Record<string, unknown>;
    assert.equal(values['state'], 'ON');
    assert.ok((values['power'] as number) > 50 && typeof values['device_temperature'] === 'number');
    // the documented raw form goes on beside it
    assert.equal(((await addon.set('p', { path: '/relay/0?turn=off' })) as { ison: boolean }).ison, false);
  });

  it('read a Shelly 3EM phase by phase, with the totals', async () => {
    const meter = await on(new Shelly3Em());
    await addon.pair('m', shellyGen1.typeId, { ...HERE, port: meter.port });
    const { power, power_l1, power_l3, voltage_l2, energy, energy_l3, state } = await reading('m');
    assert.deepEqual([power, power_l1, power_l3, voltage_l2], [305.75, 230.5, -40, 231]);
    assert.deepEqual([energy, energy_l3, state], [6, 3, 'OFF']);
  });

  it('read and switch a Shelly of the second generation, logging in by digest', async () => {
    const plug = await on(new ShellyPlusPlugS({ password: 'geheim' }));
    const there = { ...HERE, port: plug.port };
    await assert.rejects(
      addon.pair('p', shellyGen2.typeId, { ...there, authentication: { password: 'falsch' } }),
      {
        code: 'refused',
        deviceStatus: 401,
        hint: /Digest/,
      },
    );
    await addon.pair('p', shellyGen2.typeId, { ...there, authentication: { password: 'geheim' } });
    assert.equal((await reading('p'))['state'], 'OFF');
    await addon.set('p', { state: 'TOGGLE' });
    assert.equal(plug.on, true);
    await until('the change is reported', () => addon.lastOf('p')?.['state'] === 'ON');
    // more requests than a nonce is good for
    for (let turn = 0; turn < 12; turn += 1) await addon.set('p', { state: turn % 2 === 0 ? 'OFF' : 'ON' });
    assert.equal(plug.on, true);
    await assert.rejects(addon.set('p', { path: '/rpc/Switch.Set?id=3&on=true' }), {
      code: 'deviceRefused',
      deviceStatus: 500,
      message: /value 3 not found/,
    });
  });

  it('read and switch a Tasmota, and never show its password', async () => {
    const plug = await on(new TasmotaPlug({ password: 'ge heim&1' }));
    const there = { ...HERE, port: plug.port };
    await assert.rejects(addon.pair('t', tasmota.typeId, there), {
      code: 'deviceRefused',
      message: /Need user/,
    });
    await addon.pair('t', tasmota.typeId, { ...there, authentication: { password: 'ge heim&1' } });
    const values = await reading('t');
    assert.deepEqual(
      [values['state'], values['temperature'], values['humidity'], values['energy'], values['voltage']],
      ['OFF', 21.4, 48.5, 12.345, 229],
    );
    await addon.set('t', { state: 'ON', brightness: 70 });
    assert.deepEqual([plug.on, plug.dimmer], [true, 70]);
    // this firmware prints the whole request into its error
    await assert.rejects(addon.set('t', { path: '/nowhere' }), (error: Error) => {
      assert.match(error.message, /File Not Found/);
      assert.doesNotMatch(error.message, /heim/);
      return true;
    });
  });

  it('read and set a WLED', async () => {
    const strip = await on(new WledStrip());
    await addon.pair('w', wled.typeId, { ...HERE, port: strip.port });
    const { state, brightness, color, power } = await reading('w');
    assert.deepEqual([state, brightness, color, power], ['ON', 128, { r: 255, g: 160, b: 0 }, 2.5]);
    await addon.set('w', { state: 'ON', brightness: 10, color: { r: 0, g: 0, b: 255 }, effect: 3 });
    assert.deepEqual(
      [strip.state.bri, strip.state.seg[0]?.col, strip.state.seg[0]?.fx],
      [10, [[0, 0, 255]], 3],
    );
    await addon.set('w', { brightness: 0 });
    assert.deepEqual([strip.state.on, strip.state.bri], [false, 10]);
  });

  it('read a P1 meter of HomeWizard, and say in its words that its API is off', async () => {
    const meter = await on(new HomeWizardP1());
    meter.enabled = false;
    await assert.rejects(
      addon.pair('h', homewizard.typeId, { ...HERE, port: meter.port }),
      /API not enabled/,
    );
    meter.enabled = true;
    await addon.pair('h', homewizard.typeId, { ...HERE, port: meter.port });
    const { power, energy, gas, tariff } = await reading('h');
    assert.deepEqual([power, energy, gas, tariff], [543, 13_779.338, 2_569.646, 2]);
    await assert.rejects(addon.set('h', { state: 'ON' }), { code: 'badRequest' });
  });

  it('refuse what the device cannot be told before asking it', async () => {
    const strip = await on(new WledStrip());
    await addon.pair('w', wled.typeId, { ...HERE, interval: 3_600, port: strip.port });
    await reading('w');
    const before = strip.requests.length;
    for (const wrong of [
      {},
      { colour: 1 },
      { brightness: 256 },
      { brightness: '10' },
      { state: 'UP' },
      { color: null },
      { color: { r: 1 } },
    ]) {
      await assert.rejects(addon.set('w', wrong), { code: 'badRequest' }, JSON.stringify(wrong));
    }
    assert.equal(strip.requests.length, before);
  });

  it('are not taken for one another', async () => {
    const strip = await on(new WledStrip());
    for (const { typeId } of [shellyGen1, shellyGen2, tasmota, homewizard]) {
      await assert.rejects(addon.pair('x', typeId, { ...HERE, port: strip.port }), {
        code: /otherKind|refused|notJson/,
      });
    }
    const there = { ...HERE, port: strip.port, identity: '001122334455' };
    await assert.rejects(addon.pair('x', wled.typeId, there), { code: 'otherDevice' });
  });

  it('go through faults of a device with its reason, and notice its reboot', async () => {
    const meter = await on(new Shelly3Em());
    await addon.pair('m', shellyGen1.typeId, { ...HERE, port: meter.port });
    await reading('m');
    for (const [fault, reason] of [
      ['half', /broke off/],
      ['wrongType', /not JSON/],
      ['unauthorized', /401/],
      ['failing', /500: brownout/],
    ] as const) {
      meter.fault = fault;
      await until(`it is offline because of ${fault}`, () => {
        const { online = true, reason: said = '' } = addon.availability.get('m') ?? {};
        return !online && reason.test(said);
      });
      meter.fault = 'none';
      await until('it is online', () => addon.availability.get('m')?.online);
    }
    meter.reboot();
    await until('the reboot is noticed', () => addon.log.some((line) => /restarted/.test(line)));
  }).timeout(60_000);

  it('report changes alone where that is wanted', async () => {
    const meter = await on(new Shelly3Em());
    await addon.pair('m', shellyGen1.typeId, { ...HERE, report: 'changes', port: meter.port });
    await until(
      'it was polled three times',
      () => meter.requests.filter((each) => /status/.test(each)).length >= 4,
    );
    assert.equal(addon.readings.length, 1);
    meter.watts[0] = 99;
    await until('the change', () => addon.lastOf('m')?.['power_l1'] === 99);
    assert.equal(addon.readings.length, 2);
  });

  describe('in the network', () => {
    it('are found by what they announce, and recognised once they are paired', async () => {
      const devices = [
        new ShellyPlusPlugS({ password: 'x' }),
        new Shelly3Em(),
        new TasmotaPlug(),
        new WledStrip(),
        new HomeWizardP1(),
      ];
      for (const [at, device] of devices.entries()) (await on(device, `127.0.1.${at + 1}`)).announce();
      const found = await addon.scan();
      const ours = (typeId: string) =>
        found.find(
          ({ type, parameters }) => type === typeId && String(parameters['hostname']).startsWith('127.0.1.'),
        );
      for (const [family, label] of [
        [shellyGen2, /PlusPlugS/],
        [shellyGen1, /SHEM-3/],
        [tasmota, /Tasmota 13.*"Tasmota"/],
        [wled, /WLED 0\.14\.4 "Shelf"/],
        [homewizard, /HWE-P1 "P1 meter"/],
      ] as const) {
        assert.match(ours(family.typeId)?.label ?? '', label);
      }
      const strip = ours(wled.typeId)?.parameters ?? {};
      assert.equal(strip['identity'], '30AEA4000DED');
      await addon.pair('w', wled.typeId, strip);
      assert.equal((await addon.scan()).find(({ type }) => type === wled.typeId)?.deviceId, 'w');
    }).timeout(60_000);

    it('are found again by who they are when their address has changed, though another device has the old one', async () => {
      const strip = await on(new WledStrip({ mac: '30AEA400AAAA' }), '127.0.2.1');
      strip.announce();
      const { port } = strip;
      await addon.pair('w', wled.typeId, { hostname: '127.0.2.1', port, interval: 1 });
      await reading('w');
      await strip.moveTo('127.0.2.2');
      const other = new WledStrip({ mac: '30AEA400BBBB' });
      await other.start(port, '127.0.2.1');
      running.push(other);
      await until('it is found again', () => addon.moves.length > 0, 40_000);
      assert.deepEqual(
        [addon.moves[0]?.['hostname'], addon.moves[0]?.['identity']],
        ['127.0.2.2', '30AEA400AAAA'],
      );
      await addon.set('w', { brightness: 77 });
      assert.deepEqual([strip.state.bri, other.state.bri], [77, 128]);
    }).timeout(60_000);
  });
});
