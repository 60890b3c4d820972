import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { manifestSchema } from '../../../src/contract/manifest.ts';
import { CONTRACT_VERSION } from '../../../src/contract/version.ts';
import { checkAgainst } from '../../../src/core/devices/type-catalogue.ts';
import type { JsonObject } from '../../../src/model/json.ts';

function read(slug: string) {
  return v.parse(manifestSchema, JSON.parse(readFileSync(`addons/${slug}/addon.json`, 'utf8')));
}

describe('the manifests of the add-ons that come with gate', () => {
  for (const [slug, model, preinstalled] of [
    ['virtual', 'VIRTUAL-DEVICE', true],
    ['http', 'HTTP-DEVICE', true],
    // needs a server's address
    ['knx', 'KNX-DEVICE', false],
  ] as const) {
    it(`are valid: ${slug}`, () => {
      const manifest = read(slug);
      assert.deepEqual([manifest.slug, manifest.contract], [slug, CONTRACT_VERSION]);
      assert.equal(manifest.preinstalled, preinstalled);
      assert.ok(Array.isArray(manifest.types) && manifest.types[0]);
      const [{ manufacturer, model: itsModel, id }] = manifest.types;
      assert.deepEqual([manufacturer, itsModel], ['Generic', model]);
      assert.match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    });
  }

  it('give HTTP devices their defaults and refuse what could lead elsewhere', async () => {
    const { types } = read('http');
    const schema = Array.isArray(types) ? types[0]?.parameters : undefined;
    assert.ok(schema);
    const check = (parameters: Record<string, string | number>) =>
      checkAgainst(schema, parameters, 'parameters');
    assert.deepEqual(await check({ hostname: 'plug.local' }), {
      protocol: 'http',
      hostname: 'plug.local',
      port: 80,
      path: '/status',
      interval: 10,
    });
    for (const wrong of [
      {},
      { hostname: 'http://plug' },
      { hostname: 'user@plug' },
      { hostname: 'plug/status' },
      { hostname: 'plug', port: 0 },
      { hostname: 'plug', path: 'status' },
      { hostname: 'plug', path: '//other/status' },
      { hostname: 'plug', path: '/a\r\nHost: other' },
      { hostname: 'plug', interval: 0 },
      { hostname: 'plug', color: 'red' },
    ]) {
      await assert.rejects(
        check(wrong as Record<string, string>),
        { code: 'badRequest' },
        JSON.stringify(wrong),
      );
    }
  });

  it('take a login and a trust that make sense, for each type of HTTP device, and no others', async () => {
    const { types } = read('http');
    assert.ok(Array.isArray(types));
    for (const { model, features = [], parameters } of types.filter(({ model }) => model !== 'HTTP-PUSH')) {
      const check = (more: JsonObject) =>
        checkAgainst(parameters as JsonObject, { hostname: 'plug', ...more }, model);
      const pinned = { protocol: 'https', fingerprint: `${'AB:'.repeat(31)}AB` };
      const ca = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----';
      await check(pinned);
      await check({ protocol: 'https', ca });
      const isFamily = features.length > 0;
      if (isFamily) await check({ identity: '30AEA4000DED', report: 'changes' });
      else {
        await check({ authentication: { method: 'digest', username: 'a', password: 'b' } });
        await check({
          authentication: { method: 'bearer', token: 'abc' },
          attributes: [{ name: 'a', path: '$.a' }],
        });
      }
      for (const wrong of [
        { ca },
        { ...pinned, protocol: 'http' },
        { ...pinned, ca },
        { authentication: { method: 'none' } },
        { authentication: {} },
        { attributes: [{ name: 'a b', path: '$.a' }] },
        { report: 'never' },
      ]) {
        await assert.rejects(check(wrong), { code: 'badRequest' }, `${model}: ${JSON.stringify(wrong)}`);
      }
    }
  }).timeout(20_000);

  it('give KNX its standard port, and take a device in the documented form or with datapoints', async () => {
    const { parameters, types } = read('knx');
    assert.deepEqual(await checkAgainst(parameters, { ip_address: 'knx.local' }, 'parameters'), {
      ip_address: 'knx.local',
      port: 3671,
      transport: 'udp',
      route_back: false,
    });
    for (const wrong of [
      { ip_address: 'http://knx' },
      { ip_address: 'knx', port: 0 },
      { transport: 'usb' },
    ]) {
      await assert.rejects(checkAgainst(parameters, wrong, 'parameters'), { code: 'badRequest' });
    }
    const schema = Array.isArray(types) ? types[0]?.parameters : undefined;
    assert.ok(schema);
    const light = { name: 'light', group_address: '1/2/3', dpt: '1.001' };
    for (const right of [
      { individual_address: '1.1.7', group_address: '1/2/3', dpt: '1.001' },
      {
        datapoints: [light, { ...light, name: 'level', status_address: '1/2/4', flags: ['read'], unit: '%' }],
      },
    ]) {
      assert.deepEqual(await checkAgainst(schema, right, 'parameters'), right);
    }
    for (const wrong of [
      {},
      { group_address: '1/2/3' },
      { datapoints: [] },
      { datapoints: [{ ...light, color: 'red' }] },
      { datapoints: [{ ...light, flags: ['update'] }] },
      { group_address: '1/2/3', dpt: '1.001', hostname: 'knx' },
    ]) {
      await assert.rejects(checkAgainst(schema, wrong as JsonObject, 'parameters'), { code: 'badRequest' });
    }
  });
});
