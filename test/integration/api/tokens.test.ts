import assert from 'node:assert/strict';
import { FAILURES_PER_ADDRESS } from '../../../src/api/log-in-limit.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest, type CallOptions } from './support/api-under-test.ts';

const TOKEN = '/authentication/v1/oauth/token';
const DEVICES = '/device/v1/devices';
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe('the token endpoint', () => {
  let gate: ApiUnderTest;
  let clientId: string;
  let clientSecret: string;

  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'none' });
    ({ clientId, clientSecret } = await gate.clients.add({ name: 'panel', scopes: ['control'] }));
  });
  afterEach(() => gate.stop());

  const ask = (body: unknown, options: CallOptions = {}) =>
    gate.call(TOKEN, { method: 'POST', body, ...options });
  const form = (fields: Record<string, string>) =>
    ask(new URLSearchParams(fields).toString(), { headers: FORM });
  const oauthForm = (extra: Record<string, string> = {}) =>
    form({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      ...extra,
    });
  const reads = async (token: unknown) =>
    (await gate.call(DEVICES, { headers: { Authorization: `Bearer ${token}` } })).status;

  it('gives a token for the documented JSON', async () => {
    const { status, body, headers } = await ask({ clientId, clientSecret });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['access_token', 'token_type', 'expires_in']);
    assert.deepEqual([body['token_type'], body['expires_in']], ['Bearer', 3_600]);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(await reads(body['access_token']), 200);
  });

  it('gives a token for a form with OAuth’s names', async () => {
    const { status, body } = await oauthForm();
    assert.equal(status, 200);
    assert.equal(await reads(body['access_token']), 200);
  });

  describe('with Authorization: Basic', () => {
    const basic = (id: string, secret: string, scheme = 'Basic') => ({
      Authorization: `${scheme} ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    });
    const grant = 'grant_type=client_credentials';
    const byForm = (headers: Record<string, string>, extra = '') =>
      ask(grant + extra, { headers: { ...FORM, ...headers } });

    it('gives a token for a form that has the grant alone, and for no body at all', async () => {
      for (const scheme of ['Basic', 'basic']) {
        const { status, body } = await byForm(basic(clientId, clientSecret, scheme));
        assert.equal(status, 200, scheme);
        assert.equal(await reads(body['access_token']), 200);
      }
      const headers = basic(clientId, clientSecret);
      assert.equal((await ask(undefined, { headers })).status, 200);
      assert.equal((await ask({ scope: 'read' }, { headers })).body['scope'], 'read');
      assert.equal((await byForm(headers, `&client_id=${clientId}`)).status, 200);
    });

    it('decodes both halves as a form encodes them', async () => {
      const encode = (part: string) =>
        [...part].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
      assert.equal((await byForm(basic(encode(clientId), encode(clientSecret)))).status, 200);
      // a plus is a space there, which no id of ours has
      assert.equal((await byForm(basic(`${clientId}+`, clientSecret))).status, 401);
    });

    it('refuses a wrong pair with 401 and names the scheme that was used', async () => {
      for (const pair of [basic(clientId, 'wr0ng'), basic('n0body', clientSecret)]) {
        const { status, body, headers } = await byForm(pair);
        assert.deepEqual([status, body['code'], body['error']], [401, 'unauthorized', 'invalid_client']);
        assert.equal(headers['www-authenticate'], 'Basic realm="gate"');
        assert.equal(/wr0ng|n0body/.test(JSON.stringify(body)), false);
      }
    });

    it('refuses credentials in the header and in the body', async () => {
      const headers = basic(clientId, clientSecret);
      const twice = [
        byForm(headers, `&client_id=${clientId}&client_secret=${clientSecret}`),
        byForm(headers, '&client_id=another'),
        ask({ clientId, clientSecret }, { headers }),
      ];
      for (const { status, body } of await Promise.all(twice)) {
        assert.deepEqual([status, body['code'], body['error']], [400, 'badRequest', 'invalid_request']);
        assert.match(String(body['message']), /header and in the body/);
      }
    });

    it('refuses what is malformed, and does not repeat it', async () => {
      const encoded = (bytes: string | Buffer) => `Basic ${Buffer.from(bytes).toString('base64')}`;
      const wrong = [
        'Basic',
        'Basic ',
        'Basic s3cret!',
        encoded('s3cret'),
        encoded(':s3cret'),
        encoded('%zz:s3cret'),
        encoded(Buffer.from([0xff, 0x3a, 0x61])),
        encoded(`id:${'s3cret'.repeat(40)}`),
      ];
      for (const Authorization of wrong) {
        const { status, body } = await byForm({ Authorization });
        assert.deepEqual([status, body['error']], [400, 'invalid_request'], Authorization);
        assert.equal(JSON.stringify(body).includes('s3cret'), false);
      }
      const { body } = await ask('', { headers: { ...FORM, ...basic(clientId, clientSecret) } });
      assert.equal(body['error'], 'invalid_request');
    });
  });

  it('gives a token to who still sends one that has expired', async () => {
    const headers = { Authorization: 'Bearer expired.long.ago' };
    assert.equal((await ask({ clientId, clientSecret }, { headers })).status, 200);
  });

  it('gives a token of fewer scopes where that is asked for', async () => {
    const { body } = await oauthForm({ scope: 'read' });
    assert.equal(body['scope'], 'read');
    const headers = { Authorization: `Bearer ${body['access_token']}` };
    const answer = await gate.call('/device/v1/control/x/set', { method: 'POST', headers, body: {} });
    assert.deepEqual([answer.status, answer.body['code']], [403, 'forbidden']);
    assert.equal((await ask({ clientId, clientSecret, scope: 'read' })).body['scope'], 'read');
  });

  it('refuses a scope that the client does not hold, or that there is not', async () => {
    for (const scope of ['admin', 'read admin', 'root', ' ']) {
      const { status, body } = await oauthForm({ scope });
      assert.deepEqual([status, body['code'], body['error']], [400, 'badRequest', 'invalid_scope'], scope);
    }
  });

  it('refuses a wrong pair with 401, and says neither which half is wrong nor what it was', async () => {
    const pairs = [
      { clientId, clientSecret: 'wr0ng' },
      { clientId: 'n0body', clientSecret },
      { clientId: 'n0body', clientSecret: 'wr0ng' },
    ];
    const bodies = new Set<string>();
    for (const pair of pairs) {
      const { status, body, headers } = await ask(pair);
      assert.deepEqual([status, body['code'], body['error']], [401, 'unauthorized', 'invalid_client']);
      assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
      bodies.add(JSON.stringify(body));
    }
    assert.equal(bodies.size, 1);
    assert.equal(/wr0ng|n0body/.test([...bodies].join()), false);
  });

  it('refuses another grant type with OAuth’s error in the documented form', async () => {
    const cases: [Promise<{ status: number; body: JsonObject }>, string][] = [
      [oauthForm({ grant_type: 'password' }), 'unsupported_grant_type'],
      [ask({ clientId, clientSecret, grant_type: 'password' }), 'unsupported_grant_type'],
      [form({ client_id: clientId, client_secret: clientSecret }), 'invalid_request'],
    ];
    for (const [asked, error] of cases) {
      const { status, body } = await asked;
      assert.deepEqual([status, body['code'], body['error']], [400, 'badRequest', error]);
      assert.equal(typeof body['message'], 'string');
    }
  });

  it('refuses what is no pair with 400, and does not repeat it', async () => {
    const wrong: unknown[] = [
      undefined,
      [],
      'null',
      '"s3cret"',
      { clientId },
      { clientId, clientSecret: 53 },
      { clientId, clientSecret: ['s3cret'] },
      { clientId: 's3cret'.repeat(20), clientSecret: 's3cret' },
      `{"clientId": "a", "clientSecret": s3cret`,
    ];
    for (const body of wrong) {
      const answer = await ask(body);
      assert.deepEqual([answer.status, answer.body['code']], [400, 'badRequest'], JSON.stringify(body));
      assert.equal(/s3cret|53/.test(JSON.stringify(answer.body)), false);
    }
    const twice = `grant_type=client_credentials&client_id=a&client_id=b&client_secret=s3cret`;
    assert.equal((await ask(twice, { headers: FORM })).status, 400);
    assert.equal((await ask('x', { headers: { 'Content-Type': 'text/plain' } })).status, 415);
    assert.equal((await gate.call(TOKEN)).status, 405);
  });

  it('limits failed log-ins of an address, says so without what was sent, and spares the socket', async () => {
    const before = await gate.clientOf('read');
    const wrong = Array.from({ length: FAILURES_PER_ADDRESS }, (_, n) =>
      ask({ clientId: `n0body${n}`, clientSecret: 'wr0ng' }),
    );
    for (const { status } of await Promise.all(wrong)) assert.equal(status, 401);
    for (let n = 0; n < 3; n += 1) {
      const { status, body, headers } = await ask({ clientId, clientSecret });
      assert.deepEqual([status, body['code']], [429, 'tooManyRequests']);
      assert.ok(Number(headers['retry-after']) >= 1);
    }
    assert.equal((await gate.call(DEVICES, { headers: before.headers })).status, 200);
    assert.equal(
      (await gate.callLocally(TOKEN, { method: 'POST', body: { clientId, clientSecret } })).status,
      200,
    );
    const warnings = gate.log.split('\n').filter((line) => line.includes('too many failed log-ins'));
    assert.equal(warnings.length, 1);
    assert.match(String(warnings), /"address":"127\.0\.0\.1"/);
    assert.equal(/n0body|wr0ng/.test(gate.log) || gate.log.includes(clientSecret), false);
    const { parts } = (await gate.callLocally<{ parts: Record<string, JsonObject> }>('/health/ready')).body;
    assert.equal(parts['api']?.['limitedLogIns'], 1);
  });

  it('does not count log-ins that succeed', async () => {
    for (let n = 0; n < FAILURES_PER_ADDRESS + 2; n += 1) {
      assert.equal((await ask({ clientId, clientSecret })).status, 200);
    }
  });
});
