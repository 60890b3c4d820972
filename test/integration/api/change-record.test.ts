/** The record of who changed what: in the log, for administrators and the journal, without a secret, and bounded. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { REFUSALS_PER_ADDRESS } from '../../../src/api/change-record.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest } from './support/api-under-test.ts';
import { connectClient, GENERATIONS } from './support/realtime-clients.ts';

const CLIENTS = '/authentication/v1/clients';
const TOKEN = '/authentication/v1/oauth/token';
const DEVICES = '/device/v1/devices';

describe('the record of changes', () => {
  let gate: ApiUnderTest;
  afterEach(() => gate.stop());
  const lines = () =>
    gate.log
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const of = (event: string) => lines().filter((line) => line.event === event);

  it('says who made, changed and deleted what, from where, and what became of it', async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read', logLevel: 'info' });
    const { headers, clientId } = await gate.clientOf('admin');
    const device = { name: 'lamp', isVirtual: true };
    const { body } = await gate.call(DEVICES, { method: 'POST', headers, body: device });
    const path = `${DEVICES}/${body['id']}`;
    await gate.call(path, { method: 'PATCH', headers, body: { name: 'other lamp' } });
    await gate.call(path, { method: 'PATCH', headers, body: { name: '' } });
    await gate.callLocally(path, { method: 'DELETE' });
    const [added] = of('createDevice');
    assert.deepEqual(
      [added.level, added.by, added.from, added.made, added.status],
      [30, clientId, '127.0.0.1', path, 201],
    );
    assert.deepEqual(
      of('patchDevice').map(({ by, deviceId, status, code, msg }) => [by, deviceId, status, code, msg]),
      [
        [clientId, body['id'], 200, undefined, 'Change a device: done'],
        [clientId, body['id'], 400, 'badRequest', 'Change a device: not done'],
      ],
    );
    const [removed] = of('deleteDevice');
    assert.deepEqual([removed.by, removed.from, removed.deviceId], ['local', 'gate.sock', body['id']]);
    await gate.call(path, { headers });
    assert.equal(lines().filter(({ event }) => event !== undefined).length, 4, 'who reads is not in it');
  });

  it('has log-ins and what is done with clients, and no secret of theirs', async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read', logLevel: 'debug' });
    const { body } = await gate.callLocally(CLIENTS, {
      method: 'POST',
      body: { name: 'panel', scopes: ['control'] },
    });
    const { clientId, clientSecret } = body as { clientId: string; clientSecret: string };
    const answer = await gate.call(TOKEN, { method: 'POST', body: { clientId, clientSecret } });
    await gate.call(TOKEN, { method: 'POST', body: { clientId, clientSecret: 'wr0ng-secret' } });
    await gate.callLocally(`${CLIENTS}/${clientId}`, { method: 'DELETE' });
    assert.deepEqual(
      lines()
        .filter(({ event }) => event !== undefined)
        .map(({ event, by, from, made, clientId: named, status }) => [
          event,
          by,
          from,
          made ?? named,
          status,
        ]),
      [
        ['addClient', 'local', 'gate.sock', `${CLIENTS}/${clientId}`, 201],
        ['getToken', clientId, '127.0.0.1', undefined, 200],
        ['getToken', 'anonymous', '127.0.0.1', undefined, 401],
        ['removeClient', 'local', 'gate.sock', clientId, 200],
      ],
    );
    for (const secret of [clientSecret, 'wr0ng-secret', String(answer.body['access_token'])])
      assert.ok(!gate.log.includes(secret));
  });

  it('has commands to devices where the level is debug, and never a reading or its webhook', async () => {
    gate = await ApiUnderTest.start({ anonymous: 'all', logLevel: 'debug' });
    await gate.call('/device/v1/control/none/set', { method: 'POST', body: { state: 'ON' } });
    await gate.call('/hooks/a-token-that-is-none', { method: 'POST', body: { temperature: 20 } });
    const [set] = of('setDevice');
    assert.deepEqual([set.level, set.by, set.deviceId, set.code], [20, 'anonymous', 'none', 'notFound']);
    assert.ok(!gate.log.includes('a-token-that-is-none'));
  });

  it('has what somebody began who has left, and where that was', async () => {
    gate = await ApiUnderTest.start({ anonymous: 'all', logLevel: 'info' });
    const body = '{"name": "lamp", "isVirtual": true';
    const head = `POST ${DEVICES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
    const socket = connect(gate.port, '127.0.0.1');
    socket.end(`${head}Content-Length: 100\r\n\r\n${body}`);
    socket.resume();
    await until('it is in the record', () => of('createDevice').length === 1);
    const [left] = of('createDevice');
    assert.deepEqual([left.by, left.from, left.msg], ['anonymous', '127.0.0.1', 'Create a device: not done']);
  });

  it('says who was refused, and no more often than is bounded', async () => {
    gate = await ApiUnderTest.start({ anonymous: 'none' });
    const { headers, clientId } = await gate.clientOf('read');
    assert.equal((await gate.call(DEVICES, { method: 'POST', headers, body: {} })).status, 403);
    const forged = { Authorization: 'Bearer forged-forged' };
    assert.equal((await gate.call(DEVICES, { headers: forged })).status, 401);
    for (let n = 0; n < 3 * REFUSALS_PER_ADDRESS; n += 1) await gate.call(DEVICES);
    const refused = lines().filter(({ msg }) => /^refused: /.test(msg));
    assert.equal(refused.length, REFUSALS_PER_ADDRESS);
    assert.deepEqual(
      [refused[0].level, refused[0].by, refused[0].status, refused[0].event],
      [40, clientId, 403, 'createDevice'],
    );
    assert.deepEqual([refused[1].by, refused[1].status, refused[1].from], ['anonymous', 401, '127.0.0.1']);
    assert.ok(!gate.log.includes('forged-forged'));
  });

  for (const generation of GENERATIONS) {
    it(`says who was refused a ${generation} socket`, async () => {
      gate = await ApiUnderTest.start({ anonymous: 'none' });
      const query = { access_token: 'forged-forged' };
      await assert.rejects(connectClient(gate, generation, [], { query }));
      assert.deepEqual(
        of('openSocket').map(({ level, from, code, msg }) => [level, from, code, msg]),
        [[40, '127.0.0.1', 'unauthorized', 'refused: a socket']],
      );
      assert.ok(!gate.log.includes('forged-forged'));
    });
  }
});
