/** What a release carries of others: under licences that it may be carried under, and our own where that was not so. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { partsNamedIn, partsOfNode } from '../../../scripts/package/inside-node.ts';
import { NODE_VERSION } from '../../../scripts/package/node-runtime.ts';
import { STAND_INS } from '../../../scripts/package/production-packages.ts';
import {
  demandAllowed,
  foldersInside,
  possibleParties,
  thirdParties,
  thirdPartyList,
} from '../../../scripts/package/third-party.ts';

describe('what is carried of others', () => {
  const parties = possibleParties();

  it('is under licences that are known and allowed', () => {
    demandAllowed(parties);
    const names = parties.map(({ name }) => name);
    // of the daemon, of its bundles, of add-ons, of what they need in turn, and the runtime
    for (const name of ['koa', 'age-encryption', 'zigbee-herdsman', 'debug', 'openapi-explorer', 'Node.js'])
      assert.ok(names.includes(name), name);
    // of what browsers get, and of what is inside the file of the page /docs
    for (const name of ['svelte', 'uplot', 'openapi-fetch', 'engine.io-client', 'lit-html', 'prismjs'])
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
    const text = thirdPartyList(parties, ['OpenSSL', 'V8']);
    for (const { name, version, licence } of parties)
      assert.ok(text.includes(`| ${name} | ${version} | ${licence} |`), name);
  });

  it('is what was bundled, what lies beside it, and what is inside of what others have built', () => {
    const carried = thirdParties([
      'node_modules/svelte',
      'node_modules/koa',
      'node_modules/openapi-explorer',
    ]);
    const names = carried.map(({ name }) => name);
    for (const name of ['svelte', 'koa', 'zigbee-herdsman', 'lit-html', 'Node.js'])
      assert.ok(names.includes(name), name);
    // in the lock file for koa and svelte, and not in these bundles
    for (const name of ['koa-compose', 'acorn', 'uplot']) assert.ok(!names.includes(name), name);
    const inside = carried.filter(({ inside }) => inside === 'openapi-explorer').map(({ name }) => name);
    assert.ok(inside.includes('lit-html') && !inside.includes('zigbee-herdsman'));
    const text = thirdPartyList(carried, ['OpenSSL']);
    assert.match(text, /may have put\ninto it:\n[\s\S]*\| lit-html \|/);
    assert.match(text, /Node\.js carries in turn OpenSSL/);
  });

  it('comes by no development dependency that was not named', () => {
    assert.throws(
      () => thirdParties(['node_modules/koa', 'node_modules/mocha']),
      /node_modules\/mocha is bundled/,
    );
  });

  it('has what the file of the page /docs shows to have inside', () => {
    const file = readFileSync('node_modules/openapi-explorer/dist/browser/openapi-explorer.min.js', 'utf8');
    const named = foldersInside('openapi-explorer');
    for (const [name, trace] of [
      ['lit-html', '_$litDirective$'],
      ['prismjs', 'class-name-fully-qualified'],
      ['json5', 'JSON5: invalid'],
      ['i18next', 'hasLoadedNamespace'],
      ['toposort', 'Cyclic dependency'],
    ] as const) {
      assert.ok(file.includes(trace), `${name} has left it: ${trace}`);
      assert.ok(named.includes(`node_modules/${name}`), name);
    }
  });

  it('has what Node says to be made of, under the names that vulnerabilities are listed by', () => {
    const parts = partsOfNode();
    for (const [name, vendor] of [
      ['openssl', 'openssl:openssl'],
      ['sqlite', 'sqlite:sqlite'],
      ['uv', 'libuv:libuv'],
    ] as const) {
      const version = process.versions[name];
      const part = parts.find((each) => each.name === name);
      assert.equal(part?.version, version);
      assert.equal(part?.cpe, `cpe:2.3:a:${vendor}:${version}:*:*:*:*:*:*:*`);
    }
    assert.equal(new Set(parts.map((part) => part['bom-ref'])).size, parts.length);
    const { node: _, ...others } = process.versions;
    assert.throws(
      () => partsOfNode({ ...others, node: '1.2.3' }),
      new RegExp(`1\\.2\\.3, and .* ${NODE_VERSION}`),
    );
    const licence = [
      '- OpenSSL, located at deps/openssl, is licensed as follows:',
      '- npm, located at deps/npm, is licensed as follows:',
    ];
    assert.deepEqual(partsNamedIn(licence.join('\n')), ['OpenSSL']);
  });

  it('says what the files of a package say where its own word is missing', () => {
    for (const [name, file] of [
      ['@seald-io/binary-search-tree', 'LICENSE.md'],
      ['ssh2', 'LICENSE'],
      ['xmlhttprequest-ssl', 'LICENSE'],
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
