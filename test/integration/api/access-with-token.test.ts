import assert from 'node:assert/strict';
import type { AnonymousAccess } from '../../../src/api/settings.ts';
import type { Scope } from '../../../src/model/client.ts';
import { ApiUnderTest, type ClientOfTest, GATEWAY_ID } from './support/api-under-test.ts';

const DEVICES = '/device/v1/devices';
/** One route of each kind; what is asked for need not exist. */
const ROUTES: [Scope, string, string][] = [
  ['read', 'GET', DEVICES],
  ['read', 'GET', `${DEVICES}/${GATEWAY_ID}`],
  ['read', 'GET', `${DEVICES}/${GATEWAY_ID}/data`],
  ['read', 'GET', '/device/v1/control/x/fetch'],
  ['read', 'GET', '/device/v1/protocols'],
  ['read', 'GET', '/device/v1/protocols/knx'],
  ['read', 'GET', '/device/v1/types'],
  ['read', 'GET', '/history/device/x/history'],
  ['read', 'GET', '/history/notifications/history'],
  ['control', 'POST', '/device/v1/control/x/set'],
  ['control', 'POST', '/device/v1/control/x/status'],
  ['admin', 'GET', `${DEVICES}/${GATEWAY_ID}/gate/logs`],
  ['admin', 'POST', DEVICES],
  ['admin', 'PATCH', `${DEVICES}/x`],
  ['admin', 'DELETE', `${DEVICES}/x`],
  ['admin', 'DELETE', `/devices/${GATEWAY_ID}/subDevice/subDevices/x`],
  ['admin', 'DELETE', `${DEVICES}/${GATEWAY_ID}/subDevice/subDevices/x`],
  ['admin', 'POST', `${DEVICES}/x/pair`],
  ['admin', 'DELETE', `${DEVICES}/x/pair`],
  ['admin', 'POST', '/device/v1/protocols/x/installation'],
  ['admin', 'DELETE', '/device/v1/protocols/x/installation'],
];
const HELD: Record<Scope, readonly Scope[]> = {
  read: ['read'],
  control: ['read', 'control'],
  admin: ['read', 'control', 'admin'],
};

describe('a caller with a token', () => {
  let gate: ApiUnderTest;
  let client: ClientOfTest;
  const start = async (anonymous: AnonymousAccess, scope: Scope = 'read') => {
    gate = await ApiUnderTest.start({ anonymous });
    client = await gate.clientOf(scope);
  };
  afterEach(() => gate.stop());

  for (const scope of ['read', 'control', 'admin'] as const) {
    it(`of scope ${scope} may ${HELD[scope].join(', ')}, and no more`, async () => {
      await start('none', scope);
      for (const [needed, method, path] of ROUTES) {
        const { status, body } = await gate.call(path, { method, headers: client.headers });
        const may = HELD[scope].includes(needed);
        assert.equal([401, 403].includes(status), !may, `${method} ${path}: ${status}`);
        if (may) continue;
        assert.deepEqual([status, body['code']], [403, 'forbidden']);
        assert.match(String(body['message']), new RegExp(`scope "${needed}"`));
      }
      const ready = await gate.call('/health/ready', { headers: client.headers });
      assert.deepEqual(Object.keys(ready.body), ['status', 'parts']);
    });
  }

  it('has the rights of the token, also where anonymous callers have more', async () => {
    await start('all');
    const call = { method: 'POST', body: { name: 'a', isVirtual: true } };
    assert.equal((await gate.call(DEVICES, { ...call, headers: client.headers })).status, 403);
    assert.equal((await gate.call(DEVICES, call)).status, 201);
  });

  it('is told that it has expired, and is not anonymous then', async () => {
    await start('all');
    gate.aheadMs = 2 * 3_600_000;
    const { status, body, headers } = await gate.call(DEVICES, { headers: client.headers });
    assert.deepEqual([status, body['code'], body['message']], [401, 'unauthorized', 'the token has expired']);
    assert.match(String(body['hint']), /oauth\/token/);
    assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
    assert.equal((await gate.call(DEVICES)).status, 200);
  });

  it('is refused, and never anonymous, when the token is none of ours', async () => {
    await start('all');
    const other = await ApiUnderTest.start();
    const foreign = await other.clientOf('admin');
    await other.stop();
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const [, payload = ''] = client.token.split('.');
    const refused = [
      `Bearer ${foreign.token}`,
      `Bearer ${client.token}x`,
      `Bearer ${none}.${payload}.`,
      'Bearer a.b.c',
      'Bearer',
      'Bearer  ',
      'Bearer a b',
      `Basic ${Buffer.from('a:b').toString('base64')}`,
      client.token,
    ];
    for (const Authorization of refused) {
      for (const path of [DEVICES, '/health/live']) {
        const { status, body } = await gate.call(path, { headers: { Authorization } });
        assert.deepEqual([status, body['code']], [401, 'unauthorized'], Authorization);
        assert.match(String(body['message']), /invalid/);
      }
    }
  });

  it('may name the scheme in any case', async () => {
    await start('none');
    const headers = { Authorization: `bearer ${client.token}` };
    assert.equal((await gate.call(DEVICES, { headers })).status, 200);
  });

  it('has full rights through the socket, whatever the token', async () => {
    await start('none');
    for (const headers of [client.headers, { Authorization: 'Bearer nonsense' }]) {
      const body = { name: 'a', isVirtual: true };
      assert.equal((await gate.callLocally(DEVICES, { method: 'POST', body, headers })).status, 201);
    }
  });

  it('is told why also when it is a page of a configured origin', async () => {
    gate = await ApiUnderTest.start({ anonymous: 'none', corsOrigins: ['http://panel.example'] });
    const headers = { Origin: 'http://panel.example', Authorization: 'Bearer nonsense' };
    const answer = await gate.call(DEVICES, { headers });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['access-control-allow-origin'], 'http://panel.example');
  });
});
