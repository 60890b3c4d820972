import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest } from './support/api-under-test.ts';

const KNX = '/device/v1/protocols/vRy6GTde';

describe('protocols and health over REST', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start();
  });
  afterEach(() => gate.stop());

  it('shows a protocol as documented, with its status, by id or slug', async () => {
    const { body } = await gate.call(KNX);
    const { actions: _, parameters, ...documented } = body;
    assert.deepEqual((parameters as JsonObject)['required'], ['ip_address']);
    assert.deepEqual(documented, {
      id: 'vRy6GTde',
      name: 'KNX',
      slug: 'knx',
      status: 'notInstalled',
      state: 'stopped',
      version: '1.0.0',
    });
    assert.deepEqual((await gate.call('/device/v1/protocols/knx')).body, body);
    const list = (await gate.call<JsonObject[]>('/device/v1/protocols')).body;
    assert.deepEqual(
      list.map(({ slug }) => slug),
      ['virtual', 'http', 'knx'],
    );
    assert.equal((await gate.call('/device/v1/protocols/none')).status, 404);
  });

  it('installs with parameters and removes again, 202 with the protocol each time', async () => {
    const body = { parameters: { ip_address: '10.0.0.9' } };
    const installed = await gate.call(`${KNX}/installation`, { method: 'POST', body });
    assert.deepEqual([installed.status, installed.body['status']], [202, 'installing']);
    assert.equal((await gate.call(`${KNX}/installation`, { method: 'POST', body })).status, 409);
    const removed = await gate.call(`${KNX}/installation`, { method: 'DELETE' });
    assert.deepEqual([removed.status, removed.body['status']], [202, 'removing']);
    assert.equal((await gate.call(`${KNX}/installation`, { method: 'DELETE' })).status, 409);
  });

  it('refuses parameters that the protocol does not take', async () => {
    for (const body of [undefined, {}, { parameters: { ip_address: 7 } }, { parameters: [] }]) {
      const answer = await gate.call(`${KNX}/installation`, { method: 'POST', body });
      assert.equal(answer.status, 400);
      assert.ok(Array.isArray(answer.body['errors']));
    }
  });

  it('is live as soon as it answers', async () => {
    assert.deepEqual((await gate.call('/health/live')).body, { status: 'live' });
  });

  it('is ready or degraded with one line a part', async () => {
    assert.equal((await gate.call('/health/ready')).body['status'], 'ready');
    gate.health.report('addon:http', 'degraded', 'no answer');
    const { status, body } = await gate.call('/health/ready');
    assert.deepEqual([status, body['status']], [200, 'degraded']);
    const { since, ...part } = (body['parts'] as JsonObject)['addon:http'] as JsonObject;
    assert.deepEqual(part, { state: 'degraded', reason: 'no answer' });
    assert.equal(typeof since, 'number');
  });

  it('answers 503 with Retry-After while it cannot do its work', async () => {
    gate.health.report('store', 'failed', 'disk full');
    const { status, headers, body } = await gate.call('/health/ready');
    assert.deepEqual([status, body['status']], [503, 'notReady']);
    assert.match(headers['retry-after'] ?? '', /^\d+$/);
  });
});
