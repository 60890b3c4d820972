import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { ANY_DEVICE_TYPE, BRIDGE_TYPE, typeIdOf } from '../../../../addons/zigbee/src/type-id.ts';
import { manifestSchema } from '../../../../src/contract/manifest.ts';
import { checkAgainst } from '../../../../src/core/devices/type-catalogue.ts';
import { deviceTypeSchema } from '../../../../src/model/device-type.ts';

const TEXT = readFileSync('addons/zigbee/types.json', 'utf8');
const TYPES = v.parse(v.array(deviceTypeSchema), JSON.parse(TEXT));
const MANIFEST = v.parse(manifestSchema, JSON.parse(readFileSync('addons/zigbee/addon.json', 'utf8')));

describe('the catalogue of Zigbee types', () => {
  it('is what the converters that are installed know (else: npm run types:zigbee)', () => {
    const { stdout, status } = spawnSync(process.execPath, ['scripts/zigbee-types.ts', '--stdout'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    assert.equal(status, 0);
    assert.equal(stdout === TEXT, true);
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
