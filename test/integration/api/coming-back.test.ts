/** What a page that was left and is opened again finds of work that went on. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, HTTP_TYPE } from './support/api-under-test.ts';
import { connectClient } from './support/realtime-clients.ts';

describe('who comes back', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'all' });
  });
  afterEach(() => gate.stop());

  it('to a pairing finds its steps, until when it may go on, and how it ended', async () => {
    const { id } = await gate.devices.create({
      name: 'plug',
      type: HTTP_TYPE,
      parameters: { hostname: 'h' },
    });
    const path = `/device/v1/devices/${id}/pair`;
    assert.deepEqual((await gate.call<JsonObject>(path)).body['steps'], []);
    let fail: (error: Error) => void = () => {};
    gate.link.answer = () =>
      new Promise((_, reject) => {
        fail = reject;
      });
    const before = Date.now();
    await gate.call(path, { method: 'POST', body: { joinSeconds: 60 } });
    const joined = { slug: 'http', deviceId: id, type: 'joined', details: { mac: 'aa' } };
    const waiting = (await gate.call<{ joinUntil: number; until: number }>(path)).body;
    assert.ok(waiting.joinUntil >= before + 60_000 && waiting.joinUntil <= Date.now() + 60_000);
    assert.equal(waiting.until, waiting.joinUntil);
    gate.events.emit('addonEventReported', joined);
    const { body } = await gate.call<{
      status: { eventType: string };
      until: number;
      steps: { step: string; details: JsonObject }[];
    }>(path);
    assert.equal(body.status.eventType, 'discovering');
    assert.deepEqual(
      body.steps.map(({ step, details }) => [step, details]),
      [['joined', { mac: 'aa' }]],
    );
    assert.ok(body.until > waiting.until);
    fail(new Error('no such host'));
    await until('it has ended', () => gate.devices.get(id).status.eventType === 'not_paired');
    const ended = await gate.call<{ status: { reason: { message: string } }; steps: unknown[] }>(path);
    assert.deepEqual([ended.body.status.reason.message, ended.body.steps.length], ['no such host', 1]);
    assert.equal((await gate.call('/device/v1/devices/none/pair')).status, 404);
  });

  it('to an installation finds how far its image has come, while it is fetched', async () => {
    const change = { slug: 'knx', protocolId: 'vRy6GTde', status: 'installing', ts: 1 } as const;
    const progress = { layers: 3, layersDone: 1, bytes: 10, totalBytes: 30 };
    const shown = async () => (await gate.call<JsonObject>('/device/v1/protocols/knx')).body['progress'];
    gate.events.emit('installationChanged', { ...change, reason: 'its image is fetched', progress });
    assert.deepEqual(await shown(), progress);
    gate.events.emit('installationChanged', { ...change, reason: 'its program is being started' });
    assert.equal(await shown(), undefined);
  });

  it('is told log lines as they are written, with their level', async () => {
    const client = await connectClient(gate, '4.x', ['live_log', 'log'], { query: { events: 'live_log' } });
    try {
      gate.ownLog.add({ timestamp: 1, type: 'ERR', message: 'own', level: 'warn', ingestionTime: 2 });
      gate.logs.append('knx', 'LOG', 'of an add-on');
      await until('both were told', () => client.received.get('live_log')?.length === 2);
      const [own, addon] = client.received.get('live_log') as JsonObject[];
      assert.deepEqual(own, {
        log: 'gate',
        lines: [{ message: 'own', type: 'ERR', timestamp: 1, level: 'warn' }],
      });
      assert.equal(addon?.['log'], 'knx');
      gate.logs.append('knx', 'LOG', 'and another');
      await until('it was told', () => client.received.get('live_log')?.length === 3);
      const [, , last] = client.received.get('live_log') as { lines: unknown[] }[];
      assert.equal(last?.lines.length, 1);
      assert.equal(client.received.get('log')?.length ?? 0, 0);
    } finally {
      client.close();
    }
  });

  it('finds what all types are found by, and nothing new where nothing changed', async () => {
    const first = await gate.call<JsonObject[]>('/device/v1/type-names');
    assert.deepEqual(first.body, [
      {
        id: HTTP_TYPE,
        manufacturer: 'Generic',
        model: 'HTTP-DEVICE',
        description: 'HTTP device',
        protocol: 'http',
      },
    ]);
    const headers = { 'If-None-Match': String(first.headers.etag) };
    assert.equal((await gate.call('/device/v1/type-names', { headers })).status, 304);
  });
});
