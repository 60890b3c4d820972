/** What a device may send, or a caller may say of it, and what becomes of that: bounded, and refused in words. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { systemClock } from '@gate/addon-sdk';
import fc from 'fast-check';
import { parseAttributePath, valueAt } from '../../../addons/http/src/attribute-path.ts';
import { AttributeSelection } from '../../../addons/http/src/attribute-selection.ts';
import { parseDeviceJson } from '../../../addons/http/src/device-json.ts';
import { digestAuthorization, digestChallenge } from '../../../addons/http/src/digest.ts';
import { bodyOf, parseBody } from '../../../addons/http/src/exchange-answer.ts';
import { HttpExchange } from '../../../addons/http/src/http-exchange.ts';
import type { HttpAddress } from '../../../addons/http/src/http-parameters.ts';
import { Login, parseCredentials } from '../../../addons/http/src/login.ts';
import { NameLookup } from '../../../addons/http/src/name-lookup.ts';
import { parseTrust } from '../../../addons/http/src/trust.ts';
import { makePair } from '../../support/openssl.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { ManualClock } from './manual-clock.ts';

const GET = { method: 'GET', path: '/status', deadlineMs: 10_000 } as const;
const answer = (text: string) => ({
  status: 200,
  contentType: 'application/json',
  location: '',
  text,
  ts: 0,
});

describe('what an HTTP device sends', () => {
  const exchange = new HttpExchange(systemClock);
  const servers: Server[] = [];

  afterEach(async () => {
    exchange.close();
    for (const server of servers.splice(0)) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
  });

  async function listen(server: Server, protocol: HttpAddress['protocol'] = 'http'): Promise<HttpAddress> {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { protocol, hostname: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }
  const serve = (listener: RequestListener) => listen(createServer(listener));

  it('is refused where a key stands twice, however it is written, and told apart from the same key elsewhere', () => {
    for (const text of ['{"a":1,"a":2}', '{"b":[{"a":1,"\\u0061":2}]}', '{"a":{},"b":",","a":[]}']) {
      assert.throws(() => parseBody(answer(text)), { code: 'unusableJson', message: /"a" twice/ }, text);
    }
    assert.deepEqual(parseDeviceJson('{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}'), {
      a: { a: [{ a: 1 }, { a: 2 }] },
      b: 'a',
    });
  });

  it('is taken as JSON.parse takes it, where no key stands twice', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        if (text.includes('"__proto__"')) return;
        assert.deepEqual(parseDeviceJson(text), JSON.parse(text));
      }),
    );
  });

  it('is refused with "__proto__", however deep, and harms no object', () => {
    for (const text of ['{"__proto__":{"polluted":1}}', '[{"a":{"\\u005f_proto__":1}}]']) {
      assert.throws(() => parseBody(answer(text)), { code: 'unusableJson', message: /__proto__/ });
    }
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });

  it('is refused nested too deep', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.throws(() => parseBody(answer(deep)), { code: 'unusableJson', message: /deeper/ });
  });

  it('is named where it holds what is no number', () => {
    for (const word of ['NaN', '-Infinity', 'nan']) {
      assert.throws(() => parseBody(answer(`{"t":${word}}`)), {
        code: 'notJson',
        message: /which JSON does not have/,
      });
    }
  });

  it('is refused compressed, before it could grow', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const address = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(bomb);
    });
    await assert.rejects(exchange.ask(address, GET), { code: 'brokenAnswer', message: /gzip/ });
  });

  it('is no redirect that is followed: the login stays with the device', async () => {
    const address = await serve((_, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    );
    const login = new Login({ method: 'basic', username: 'u', password: 'p' });
    const redirect = await exchange.ask(address, { ...GET, login });
    assert.throws(() => bodyOf(redirect), { code: 'refused', message: /points to/ });
  });

  it('is verified: by the pinned certificate or the private authority, and by nothing else', async () => {
    const folder = tempFolder();
    const { key, certificate: cert } = makePair(folder.path, 'device');
    folder.remove();
    let asked = 0;
    const server = createTlsServer({ key, cert }, (_, response) => {
      asked += 1;
      response.end('{}');
    });
    const address = await listen(server as unknown as Server, 'https');
    const pinned = new X509Certificate(cert).fingerprint256;
    const ask = (parameters: Record<string, string>, reuse = false) =>
      exchange.ask(address, { ...GET, reuse, trust: parseTrust({ protocol: 'https', ...parameters }) });

    await assert.rejects(ask({}), { code: 'tls' });
    const other = pinned.replace(/^../, (pair) => (pair === '00' ? '01' : '00'));
    await assert.rejects(ask({ fingerprint: other }), {
      code: 'tls',
      message: /another one than the pinned/,
    });
    assert.equal(asked, 0);
    assert.equal((await ask({ fingerprint: pinned })).text, '{}');
    assert.equal((await ask({ fingerprint: pinned.replaceAll(':', '').toLowerCase() }, true)).text, '{}');
    assert.equal((await ask({ ca: cert }, true)).text, '{}');
    assert.equal(asked, 3);
  });

  it('cannot be verified by nothing: settings of TLS that make no sense are refused', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----';
    for (const wrong of [
      { protocol: 'http', ca: pem },
      { protocol: 'https', ca: 'none' },
      { protocol: 'https', fingerprint: '12' },
      { protocol: 'https', fingerprint: 'AA'.repeat(32), ca: pem },
    ]) {
      assert.throws(() => parseTrust(wrong), { code: 'badRequest' }, JSON.stringify(wrong));
    }
  });
});

describe('logging in at an HTTP device', () => {
  // RFC 7616, 3.9.1
  const request = {
    method: 'GET',
    uri: '/dir/index.html',
    username: 'Mufasa',
    password: 'Circle of Life',
    count: 1,
  };
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
  const challengeOf = (algorithm: string) =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, ` +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';

  it('answers a challenge as the RFC shows it, by the stronger of two', () => {
    for (const [algorithm, response] of [
      ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
      ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
    ] as const) {
      const challenge = digestChallenge([challengeOf(algorithm)]);
      assert.ok(challenge);
      assert.match(
        digestAuthorization(challenge, { ...request, cnonce }),
        new RegExp(`response="${response}"`),
      );
    }
    assert.equal(digestChallenge([challengeOf('MD5'), challengeOf('SHA-256')])?.algorithm, 'SHA-256');
    assert.equal(digestChallenge([`Basic realm="a, b", ${challengeOf('MD5')}`])?.algorithm, 'MD5');
    assert.equal(
      digestChallenge(['Basic realm="x"', 'Digest realm="x", nonce="y", algorithm=SHA-512-256']),
      undefined,
    );
  });

  it('refuses credentials that could not be sent, without showing them', () => {
    for (const wrong of [
      { method: 'ntlm', username: 'u', password: 'geheim' },
      { method: 'basic', username: 'u:v', password: 'geheim' },
      { method: 'basic', password: 5 },
      { method: 'bearer', token: 'geheim\r\nX: 1' },
    ]) {
      const isClear = (error: Error) => !error.message.includes('geheim');
      assert.throws(() => parseCredentials(wrong), isClear, JSON.stringify(wrong));
    }
  });
});

describe('a name of an HTTP device', () => {
  it('is asked for once at a time, and counts on while the name server is silent', async () => {
    const clock = new ManualClock();
    const asked: ((addresses: { address: string; family: number }[]) => void)[] = [];
    const names = new NameLookup(clock, () => new Promise((resolve) => asked.push(resolve)));
    const look = () =>
      new Promise((resolve, reject) => {
        names.lookup('plug.lan', {}, (error, address) => (error ? reject(error) : resolve(address)));
      });
    const [one, other] = [look(), look()];
    assert.equal(asked.length, 1);
    asked[0]?.([{ address: '10.0.0.7', family: 4 }]);
    assert.deepEqual(await Promise.all([one, other, look()]), ['10.0.0.7', '10.0.0.7', '10.0.0.7']);
    await clock.advance(60_000);
    const later = look();
    await clock.advance(1_000);
    assert.equal(await later, '10.0.0.7');
    assert.equal(asked.length, 2);
  });
});

describe('the values that are selected of an answer', () => {
  const said = {
    relay: [{ on: true }, { on: false }],
    'a b': { 'c.d': 1 },
    text: '21.5',
    none: 'NaN',
    zero: null,
  };

  it('are found by their paths, in either form', () => {
    for (const [path, value] of [
      ['$.relay[1].on', false],
      ['relay.1.on', false],
      ['$.relay[-1].on', false],
      ["$['a b']['c.d']", 1],
      ['$["a b"]["c.d"]', 1],
      ['$', said],
      ['zero', null],
      ['relay.7.on', undefined],
      ['constructor', undefined],
      ['text.length', undefined],
    ] as const) {
      assert.deepEqual(valueAt(said, parseAttributePath(path)), value, path);
    }
    for (const wrong of ['', '.a', '$a', 'a..b', '$.a[', "$['a", '$[*]', '$..a', '$[?@.a]', 'a b', 5]) {
      assert.throws(() => parseAttributePath(wrong), { code: 'badRequest' }, String(wrong));
    }
  });

  it('leave out what is not there and what is no number where one is wanted', () => {
    const parse = (attributes: object[]) =>
      AttributeSelection.parse(attributes as never) as AttributeSelection;
    const selection = parse([
      { name: 'on', path: 'relay.0.on' },
      { name: 'celsius', path: 'text', unit: '°C', number: true },
      { name: 'broken', path: 'none', number: true },
      { name: 'missing', path: 'nowhere' },
    ]);
    assert.deepEqual(selection.of(said), { on: true, celsius: 21.5 });
    assert.throws(() => selection.of({ other: 1 }), { code: 'nothingFound' });
    for (const wrong of [
      [],
      [{ name: '__proto__', path: 'a' }],
      [{ name: 'a.b', path: 'a' }],
      [{ name: 'a' }],
    ]) {
      assert.throws(() => parse(wrong), { code: 'badRequest' });
    }
  });
});
