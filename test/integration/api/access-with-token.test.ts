import assert from 'node:assert/strict';
import type { AnonymousAccess } from '../../../src/api/settings.ts';
import type { Scope } from '../../../src/model/client.ts';
import { ApiUnderTest, type ClientOfTest } from './support/api-under-test.ts';

const DEVICES = '/device/v1/devices';
describe('a caller with a token', () => {
  let gate: ApiUnderTest;
  let client: ClientOfTest;
  const start = async (anonymous: AnonymousAccess, scope: Scope = 'read') => {
    gate = await ApiUnderTest.start({ anonymous });
    client = await gate.clientOf(scope);
  };
  afterEach(() => gate.stop());

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
