import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/model/json.ts';
import { type Answer, ApiUnderTest, type CallOptions } from './support/api-under-test.ts';

const CLIENTS = '/authentication/v1/clients';
const TOKEN = '/authentication/v1/oauth/token';
const DEVICES = '/device/v1/devices';

describe('the clients', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'all' });
  });
  afterEach(() => gate.stop());

  const add = (options: CallOptions = {}) =>
    gate.callLocally(CLIENTS, {
      method: 'POST',
      body: { name: 'panel', scopes: ['control', 'read'] },
      ...options,
    });
  const tokenOf = async ({ body: { clientId, clientSecret } }: Answer<JsonObject>) => {
    const answer = await gate.call(TOKEN, { method: 'POST', body: { clientId, clientSecret } });
    return { Authorization: `Bearer ${answer.body['access_token']}` };
  };

  it('are added with a secret that is shown once', async () => {
    const added = await add();
    assert.equal(added.status, 201);
    assert.deepEqual(Object.keys(added.body), ['clientId', 'clientSecret', 'name', 'scopes']);
    assert.deepEqual(added.body['scopes'], ['read', 'control']);
    assert.equal(added.headers.location, `${CLIENTS}/${added.body['clientId']}`);
    const headers = await tokenOf(added);
    assert.equal((await gate.call(DEVICES, { headers })).status, 200);

    const listed = await gate.callLocally<JsonObject[]>(CLIENTS);
    assert.deepEqual(Object.keys(listed.body[0] ?? {}), [
      'clientId',
      'name',
      'scopes',
      'createdAt',
      'lastUsedAt',
    ]);
    assert.equal(JSON.stringify(listed.body).includes(String(added.body['clientSecret'])), false);
  });

  it('are told what is wrong with a new one', async () => {
    for (const body of [{}, { name: 'a' }, { name: 'a', scopes: ['root'] }, []]) {
      const answer = await add({ body });
      assert.deepEqual([answer.status, answer.body['code']], [400, 'badRequest']);
      assert.ok(Array.isArray(answer.body['errors']));
    }
  });

  it('lose their tokens at once when they are removed, also the last of scope admin', async () => {
    const admin = await gate.clientOf('admin');
    const path = `${CLIENTS}/${admin.clientId}`;
    const removed = await gate.call(path, { method: 'DELETE', headers: admin.headers });
    assert.deepEqual([removed.status, removed.body], [200, {}]);
    const after = await gate.call(DEVICES, { headers: admin.headers });
    assert.deepEqual([after.status, after.body['code']], [401, 'unauthorized']);
    assert.match(String(after.body['message']), /revoked/);
    const { clientId, clientSecret } = admin;
    assert.equal((await gate.call(TOKEN, { method: 'POST', body: { clientId, clientSecret } })).status, 401);
    assert.equal((await gate.callLocally(path, { method: 'DELETE' })).status, 404);
    assert.deepEqual((await gate.callLocally(CLIENTS)).body, []);
    assert.equal((await add()).status, 201);
  });

  it('stay when only their tokens are voided', async () => {
    const client = await gate.clientOf('read');
    const path = `${CLIENTS}/${client.clientId}/tokens`;
    assert.equal((await gate.callLocally(path, { method: 'DELETE' })).status, 200);
    assert.equal((await gate.call(DEVICES, { headers: client.headers })).status, 401);
    const { clientId, clientSecret } = client;
    assert.equal((await gate.call(TOKEN, { method: 'POST', body: { clientId, clientSecret } })).status, 200);
  });

  it('are nobody’s business but an administrator’s, whatever anonymous callers may', async () => {
    const { clientId } = await gate.clientOf('read');
    const calls: [string, string, unknown?][] = [
      ['GET', CLIENTS],
      ['POST', CLIENTS, { name: 'a', scopes: ['admin'] }],
      ['DELETE', `${CLIENTS}/${clientId}/tokens`],
      ['DELETE', `${CLIENTS}/${clientId}`],
    ];
    const control = await gate.clientOf('read', 'control');
    for (const [method, path, body] of calls) {
      const anonymous = await gate.call(path, { method, body });
      assert.equal(anonymous.status, 401, `${method} ${path}`);
      assert.match(JSON.stringify(anonymous.body), /admin.*gate\.sock/);
      const lacking = await gate.call(path, { method, body, headers: control.headers });
      assert.equal(lacking.status, 403, `${method} ${path}`);
    }
    const { headers } = await gate.clientOf('admin');
    for (const [method, path, body] of calls) {
      const { status } = await gate.call(path, { method, body, headers });
      assert.ok(status < 300, `${method} ${path}: ${status}`);
    }
  });

  it('never have a secret or a token in the log', async () => {
    const added = await add();
    const { Authorization } = await tokenOf(added);
    const wrong = { clientId: added.body['clientId'], clientSecret: 'wr0ng' };
    await gate.call(TOKEN, { method: 'POST', body: wrong });
    gate.store.broken = true;
    const device = (await gate.callLocally<{ id: string }[]>(DEVICES)).body[0]?.id;
    const failed = await gate.call(`${DEVICES}/${device}/data`, { headers: { Authorization } });
    assert.equal(failed.status, 500);
    assert.match(gate.log, /a request failed/);
    for (const secret of [String(added.body['clientSecret']), Authorization.slice(7), 'wr0ng']) {
      assert.equal(gate.log.includes(secret), false);
    }
  });
});
