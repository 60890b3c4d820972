import assert from 'node:assert/strict';
import type { AnonymousAccess } from '../../../src/api/settings.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, GATEWAY_ID } from './support/api-under-test.ts';
import { type Client, connectClient, GENERATIONS, type Generation } from './support/realtime-clients.ts';

const LOGS = `/device/v1/devices/${GATEWAY_ID}`;

/** The published document's examples. */
const DOCUMENTED = {
  timestamp: 1586861375901,
  type: 'LOG',
  message: '2020-04-14T10:49:35.884Z gate Connecting...',
  ingestionTime: 1586861382077,
} as const;
const { timestamp, type, message } = DOCUMENTED;
const DOCUMENTED_EVENT = {
  logs: [{ message, type, timestamp }],
  deviceId: GATEWAY_ID,
  containerName: 'gate',
};

describe('the logs', () => {
  let gate: ApiUnderTest;
  const clients: Client[] = [];
  const start = async (anonymous: AnonymousAccess) => {
    gate = await ApiUnderTest.start({ anonymous });
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await gate.stop();
  });
  const connect = async (generation: Generation, query: Record<string, string> = {}) => {
    const client = await connectClient(gate, generation, ['log', 'notification'], { query });
    clients.push(client);
    return client;
  };
  const read = (path: string) => gate.call<JsonObject[]>(`${LOGS}/${path}`);

  it('of the gateway are shown as documented, key by key', async () => {
    await start('all');
    gate.ownLog.add(DOCUMENTED);
    const { status, body } = await read('gate/logs');
    assert.equal(status, 200);
    assert.equal(JSON.stringify(body), JSON.stringify([DOCUMENTED]));
  });

  it('of each add-on are its own, oldest first', async () => {
    await start('all');
    gate.logs.append('http', 'LOG', 'polling');
    gate.logs.append('http', 'ERR', 'no answer');
    gate.logs.append('gate', 'ERR', 'not the gateway');
    const { body } = await read('http/logs');
    assert.deepEqual(
      body.map((line) => [line['type'], line['message'], line['timestamp'] === line['ingestionTime']]),
      [
        ['LOG', 'polling', true],
        ['ERR', 'no answer', true],
      ],
    );
    for (const silent of ['virtual', 'knx', 'gate']) {
      assert.deepEqual((await read(`${silent}/logs`)).body, []);
    }
  });

  it('are 404 for an add-on or a device that has none', async () => {
    await start('all');
    const { id } = await gate.devices.create({ name: 'lamp', isVirtual: true });
    const paths = [
      `${LOGS}/none/logs`,
      `/device/v1/devices/none/gate/logs`,
      `/device/v1/devices/${id}/gate/logs`,
    ];
    for (const path of paths) {
      const { status, body } = await gate.call(path);
      assert.deepEqual([status, body['code']], [404, 'notFound'], path);
      assert.equal(typeof body['hint'], 'string');
    }
  });

  it('are those of a range, its ends included, which are given together', async () => {
    await start('all');
    for (const at of [1, 2, 3, 4]) gate.ownLog.add({ ...DOCUMENTED, timestamp: at });
    const { body } = await read('gate/logs?start=2&end=3');
    assert.deepEqual(
      body.map((line) => line['timestamp']),
      [2, 3],
    );
    for (const query of ['start=1', 'end=1', 'start=2&end=1', 'start=x&end=1', 'start=-1&end=1']) {
      const { status, body } = await gate.call(`${LOGS}/gate/logs?${query}`);
      assert.equal(status, 400, query);
      assert.match(String((body['errors'] as JsonObject[])[0]?.['field']), /^(start|end)$/);
    }
  });

  for (const anonymous of ['none', 'read'] as const) {
    it(`are not for an anonymous caller under ${anonymous}, but for one through the socket`, async () => {
      await start(anonymous);
      assert.equal((await gate.call(`${LOGS}/gate/logs`)).status, 401);
      assert.equal((await gate.callLocally(`${LOGS}/gate/logs`)).status, 200);
    });
  }

  for (const generation of GENERATIONS) {
    it(`reach a ${generation} client that may see them, in the documented shape, each line once`, async () => {
      await start('all');
      const client = await connect(generation);
      const first = client.next('log');
      gate.ownLog.add(DOCUMENTED);
      assert.equal(JSON.stringify(await first), JSON.stringify(DOCUMENTED_EVENT));
      const second = client.next('log');
      gate.logs.append('http', 'ERR', 'no answer');
      const { containerName, logs } = (await second) as { containerName: string; logs: JsonObject[] };
      assert.deepEqual([containerName, logs.length, logs[0]?.['message']], ['http', 1, 'no answer']);
      assert.equal(client.received.get('log')?.length, 2);
    });

    it(`are not told to a ${generation} client that may only read`, async () => {
      await start('read');
      const client = await connect(generation);
      const told: unknown[] = [];
      gate.events.on('logsGathered', (gathered) => told.push(gathered));
      gate.ownLog.add(DOCUMENTED);
      await until('the lines are gathered', () => told.length > 0);
      const last = client.next('notification');
      gate.notifications.raise('', { level: 4, subject: 'last', message: 'sent after the logs' });
      await last;
      assert.equal(client.received.has('log'), false);
      await assert.rejects(connect(generation, { events: 'log' }), /"log", which this caller may not hear/);
    });

    it(`can be all that a ${generation} client asks for`, async () => {
      await start('all');
      const client = await connect(generation, { events: 'log', devices: GATEWAY_ID });
      const next = client.next('log');
      gate.ownLog.add(DOCUMENTED);
      assert.deepEqual(await next, DOCUMENTED_EVENT);
    });
  }
});
