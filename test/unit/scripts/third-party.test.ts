/** What a release carries of others: under licences that it may be carried under, and our own where that was not so. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { STAND_INS } from '../../../scripts/package/production-packages.ts';
import { demandAllowed, thirdParties, thirdPartyList } from '../../../scripts/package/third-party.ts';

describe('what is carried of others', () => {
  const parties = thirdParties();

  it('is under licences that are known and allowed', () => {
    demandAllowed(parties);
    const names = parties.map(({ name }) => name);
    // of the daemon, of its bundles, of add-ons, of what they need in turn, and the runtime
    for (const name of ['koa', 'age-encryption', 'zigbee-herdsman', 'debug', 'openapi-explorer', 'Node.js'])
      assert.ok(names.includes(name), name);
    for (const name of ['mocha', 'typescript', 'esbuild', '@gate/addon-sdk'])
      assert.ok(!names.includes(name), name);
  });

  it('stops the making of a release where a licence is another', () => {
    const gpl = { name: 'something', version: '1.0.0', licence: 'GPL-3.0-or-later' };
    assert.throws(() => demandAllowed([...parties, gpl]), /something 1\.0\.0 \(GPL-3\.0-or-later\)/);
    assert.throws(() => demandAllowed([{ ...gpl, licence: 'undefined' }]), /undefined/);
  });

  it('is listed, each with its version and licence', () => {
    const text = thirdPartyList(parties);
    for (const { name, version, licence } of parties)
      assert.ok(text.includes(`| ${name} | ${version} | ${licence} |`), name);
  });

  it('says what the files of a package say where its own word is missing', () => {
    for (const [name, file] of [
      ['@seald-io/binary-search-tree', 'LICENSE.md'],
      ['ssh2', 'LICENSE'],
    ])
      assert.match(
        readFileSync(`node_modules/${name}/${file}`, 'utf8'),
        /Permission is hereby granted, free of charge/,
      );
  });
});

describe('the stand-in for zigbee-on-host', () => {
  const load = createRequire(import.meta.url);
  type Module = { aes128CcmStar: (m: number, key: Buffer, nonce: Buffer, data: Buffer) => [Buffer, Buffer] };
  const ours: Module = load('../../../packaging/stand-ins/zigbee-on-host/dist/zigbee/zigbee.js');
  const theirs: Module = load('zigbee-on-host/dist/zigbee/zigbee');

  it('has everything that zigbee-herdsman takes from that package', () => {
    assert.deepEqual(STAND_INS, ['zigbee-on-host']);
    const source = readFileSync('node_modules/zigbee-herdsman/dist/controller/greenPower.js', 'utf8');
    const used = [...source.matchAll(/zigbee_1\.(\w+)/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(used)], Object.keys(ours));
  });

  it('opens frames as that package does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), (bytes) => {
        const [key, nonce, data] = [randomBytes(16), randomBytes(13), Buffer.from(bytes)];
        const [, plain] = ours.aes128CcmStar(4, key, nonce, Buffer.from(data));
        const [, expected] = theirs.aes128CcmStar(4, key, nonce, Buffer.from(data));
        assert.deepEqual(plain, expected);
      }),
    );
    assert.throws(() => ours.aes128CcmStar(4, randomBytes(16), randomBytes(13), Buffer.alloc(3)), RangeError);
  });
});
