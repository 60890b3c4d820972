import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { ANY_DEVICE_TYPE, BRIDGE_TYPE, typeIdOf } from '../../../../addons/zigbee/src/type-id.ts';
import { manifestSchema } from '../../../../src/contract/manifest.ts';
import { checkAgainst } from '../../../../src/core/devices/type-catalogue.ts';
import { deviceTypeSchema, sharedSettableSchema } from '../../../../src/model/device-type.ts';
import type { JsonObject } from '../../../../src/model/json.ts';

const TEXT = readFileSync('addons/zigbee/types.json', 'utf8');
const TYPES = v.parse(v.array(deviceTypeSchema), JSON.parse(TEXT));
const SETTABLE_TEXT = readFileSync('addons/zigbee/settable.json', 'utf8');
const SETTABLE = v.parse(v.array(sharedSettableSchema), JSON.parse(SETTABLE_TEXT));
const MANIFEST = v.parse(manifestSchema, JSON.parse(readFileSync('addons/zigbee/addon.json', 'utf8')));

describe('the catalogue of Zigbee types', () => {
  it('is what the converters that are installed know (else: npm run types:zigbee)', () => {
    const { stdout, status } = spawnSync(process.execPath, ['scripts/zigbee-types.ts', '--stdout'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    assert.equal(status, 0);
    assert.equal(stdout === TEXT + SETTABLE_TEXT, true);
  }).timeout(60_000);

  it('has thousands of models, each once, under the id that its name gives', () => {
    assert.ok(TYPES.length > 5_000);
    assert.equal(new Set(TYPES.map(({ id }) => id)).size, TYPES.length);
    for (const { id, manufacturer, model } of TYPES) assert.equal(id, typeIdOf(manufacturer, model));
  });

  it('gives ids that never change', () => {
    assert.equal(typeIdOf('Philips', '9290012573A'), '11d314ae-ef6d-55e0-b7fc-b780a1d9e575');
    assert.ok(TYPES.some(({ id }) => id === ANY_DEVICE_TYPE) && TYPES.some(({ id }) => id === BRIDGE_TYPE));
  });

  it('says what a model shows, and where Touchlink finds it', () => {
    const hue = TYPES.find(({ model }) => model === '9290012573A');
    assert.deepEqual(hue?.pairingMethods, ['touchlink']);
    for (const name of ['state', 'brightness', 'color_temp', 'color'])
      assert.ok(hue?.features?.includes(name));
    assert.deepEqual(TYPES.find(({ model }) => model === 'WSDCGQ11LM')?.pairingMethods, []);
  });
});

describe('what Zigbee devices can be told', () => {
  const of = (model: string) => {
    const type = TYPES.find((each) => each.model === model);
    return SETTABLE.find(({ types }) => types.includes(type?.id ?? ''))?.settable;
  };

  it('is a JSON Schema that can be used, once for all types that have it', async () => {
    const listed = SETTABLE.flatMap(({ types }) => types);
    assert.equal(new Set(listed).size, listed.length);
    const ids = new Set(TYPES.map(({ id }) => id));
    assert.deepEqual(
      listed.filter((id) => !ids.has(id)),
      [],
    );
    const { default: ajv } = await import('ajv/dist/2020.js');
    const validator = new ajv.Ajv2020({ strict: false });
    for (const { settable } of SETTABLE) validator.compile(settable);
  }).timeout(30_000);

  it('has the names, ranges, units and words of the model', async () => {
    const bulb = of('RB 285 C');
    assert.ok(bulb);
    const check = (values: JsonObject) => checkAgainst(bulb, values, 'values');
    await check({ state: 'TOGGLE', brightness: 254, color_temp: 555, color: { hex: '#ff8800' } });
    await assert.rejects(check({ brightness: 255 }), { code: 'badRequest' });
    await assert.rejects(check({ color_temp: 556 }), { code: 'badRequest' });
    await assert.rejects(check({ effect: 'fireworks' }), { code: 'badRequest' });
    const thermostat = of('TRVZB')?.['properties'] as Record<string, JsonObject> | undefined;
    assert.deepEqual(thermostat?.['occupied_heating_setpoint'], {
      type: 'number',
      minimum: 4,
      maximum: 35,
      step: 0.5,
      unit: '°C',
    });
    assert.equal(of('WSDCGQ11LM'), undefined);
  });
});

describe('the manifest of the Zigbee add-on', () => {
  const check = (parameters: Record<string, string | number>) =>
    checkAgainst(MANIFEST.parameters, parameters, 'parameters');

  it('asks for nothing: without a port it can be scanned for one', async () => {
    assert.equal((await check({}))['port'], undefined);
    const { port, adapter, channel } = await check({ port: '/dev/serial/by-id/usb-ITEAD_SONOFF-if00-port0' });
    assert.deepEqual([typeof port, adapter, channel], ['string', 'zstack', 15]);
    await check({ port: 'tcp://192.168.1.20:6638', adapter: 'ember', channel: 25 });
    await check({ port: 'tcp://slzb-06.local:6638' });
  });

  it('refuses what is no coordinator', async () => {
    for (const wrong of [
      { port: '/etc/passwd' },
      { port: '/dev/../etc/passwd' },
      { port: 'tcp://host' },
      { port: 'http://host:1' },
      { port: '/dev/ttyUSB0', channel: 10 },
      { port: '/dev/ttyUSB0', adapter: 'deconz' },
      { port: '/dev/ttyUSB0', networkKey: '0102' },
    ]) {
      await assert.rejects(
        check(wrong as Record<string, string>),
        { code: 'badRequest' },
        JSON.stringify(wrong),
      );
    }
  });

  it('is not installed by itself: it needs a stick', () => assert.equal(MANIFEST.preinstalled, false));
});
