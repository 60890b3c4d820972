import assert from 'node:assert/strict';
import { GatewayError } from '../../../src/model/error.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, HTTP_TYPE, PROJECT_ID } from './support/api-under-test.ts';
import { connectClient } from './support/realtime-clients.ts';

const FORWARDED = { 'instathings-path': '/relay/0', 'instathings-method': 'GET' };

const FAMILY_TYPE = {
  addOn: 'http',
  description: '',
  fakeSampleLabel: '',
  manufacturer: 'WLED',
  model: 'WLED',
  pairingMethods: [],
  physicalParameter: [],
  protocols: ['http'],
  rooms: [],
  space: [],
  type: 'actuator',
};

describe('control over REST', () => {
  let gate: ApiUnderTest;
  let plug: string;
  let virtual: string;

  beforeEach(async () => {
    gate = await ApiUnderTest.start();
    ({ id: plug } = await gate.devices.create({
      name: 'plug',
      type: HTTP_TYPE,
      parameters: { hostname: '10.0.0.7' },
    }));
    ({ id: virtual } = await gate.devices.create({ name: 'virtual', isVirtual: true }));
  });
  afterEach(() => gate.stop());

  const asked = () =>
    gate.link.requests.map(({ slug, request: { method, deviceId, params } }) => ({
      slug,
      method,
      deviceId,
      params,
    }));
  const set = (
    id: string,
    options: { headers?: Record<string, string>; body?: unknown; query?: string } = {},
  ) => gate.call(`/device/v1/control/${id}/set${options.query ?? ''}`, { method: 'POST', ...options });
  const status = (id: string, options: { headers?: Record<string, string>; body?: unknown } = {}) =>
    gate.call(`/device/v1/control/${id}/status`, { method: 'POST', ...options });

  async function fetched(location: string) {
    return until('the result is there', async () => {
      const answer = await gate.call(location);
      return answer.status !== 202 && answer;
    });
  }

  it('forwards the body of a set to the device as it is, and answers {} once it is accepted', async () => {
    const { status: code, body } = await set(virtual, { body: { state: 'TOGGLE', nested: { a: [1] } } });
    assert.deepEqual([code, body], [200, {}]);
    assert.deepEqual(asked(), [
      { slug: 'virtual', method: 'set', deviceId: virtual, params: { state: 'TOGGLE', nested: { a: [1] } } },
    ]);
  });

  it('forwards values to an HTTP device of a type that names what it can be told, and a raw call beside it', async () => {
    const family = '65cb9bbe-ccc9-4c07-b4d7-14524efb5579';
    gate.types.replace('http', [
      { ...FAMILY_TYPE, id: family, features: ['state'] },
      { ...FAMILY_TYPE, id: HTTP_TYPE },
    ]);
    const { id } = await gate.devices.create({ name: 'strip', type: family, parameters: {} });
    assert.equal((await set(id, { body: { state: 'ON' } })).status, 200);
    assert.equal((await status(id)).status, 202);
    await set(id, { headers: FORWARDED, body: { state: 'ON' } });
    await until('all are asked', () => asked().length === 3);
    assert.deepEqual(
      asked().map(({ params }) => params),
      [{ state: 'ON' }, {}, { path: '/relay/0', method: 'GET', queryParams: {}, body: { state: 'ON' } }],
    );
    assert.equal((await set(id, { headers: { 'instathings-path': '/x' } })).status, 400);
    assert.equal((await set(plug, { body: { state: 'ON' } })).status, 400);
  });

  it('forwards path, method, query and body to an HTTP device', async () => {
    await set(plug, { headers: FORWARDED, query: '?turn=on&a=1&a=2', body: { b: 1 } });
    assert.deepEqual(asked()[0]?.params, {
      path: '/relay/0',
      method: 'GET',
      queryParams: { turn: 'on', a: ['1', '2'] },
      body: { b: 1 },
    });
  });

  it('names the headers that an HTTP device needs', async () => {
    const { status: code, body } = await set(plug, { headers: { 'instathings-path': '/relay/0' } });
    assert.equal(code, 400);
    assert.deepEqual(body['errors'], [{ field: 'instathings-method', message: 'is missing' }]);
    assert.equal((await status(plug)).status, 400);
    assert.equal(asked().length, 0);
  });

  it('answers 503 with the device’s own words when it refuses, and with the reason when it does not answer', async () => {
    gate.link.answer = () =>
      Promise.reject(
        new GatewayError('deviceRefused', 'Bad turn!', { deviceStatus: 400, reasonCode: 'deviceRefused' }),
      );
    const refused = await set(plug, { headers: FORWARDED });
    assert.deepEqual(
      [refused.status, refused.body],
      [503, { message: 'Bad turn!', code: 'deviceRefused', deviceStatus: 400 }],
    );
    gate.link.answer = () => Promise.reject(new GatewayError('deviceTimeout', 'it did not answer set'));
    const late = await set(virtual, { body: {} });
    assert.deepEqual([late.status, late.body['code']], [503, 'deviceTimeout']);
    assert.notEqual(late.headers['retry-after'], undefined);
  });

  it('waits as long as the caller prefers', async () => {
    await set(virtual, { body: {}, headers: { Prefer: 'respond-async, wait=7' } });
    const timeoutMs = gate.link.requests[0]?.request.timeoutMs ?? 0;
    assert.equal(timeoutMs > 6_000 && timeoutMs <= 7_000, true);
    for (const wait of ['0', '61', '-1', 'x', '1.5', '']) {
      assert.equal((await set(virtual, { body: {}, headers: { Prefer: `wait=${wait}` } })).status, 400, wait);
    }
  });

  it('does a set once, however often it is repeated under one key', async () => {
    const repeated = { body: { state: 'TOGGLE' }, headers: { 'Idempotency-Key': 'a1' } };
    assert.equal((await set(virtual, repeated)).status, 200);
    assert.equal((await set(virtual, repeated)).status, 200);
    assert.equal(asked().length, 1);
    assert.equal((await set(virtual, { ...repeated, body: { state: 'ON' } })).status, 409);
    assert.equal(
      (await set(virtual, { ...repeated, headers: { 'Idempotency-Key': 'x'.repeat(129) } })).status,
      400,
    );
    assert.equal(asked().length, 1);
  });

  it('refuses a set without a JSON object, for the gateway, and for a device that is not there', async () => {
    for (const body of [undefined, [], '"on"', 5]) assert.equal((await set(virtual, { body })).status, 400);
    assert.equal((await set('nobody', { body: {} })).status, 404);
    const [gateway] = gate.devices.list();
    assert.equal((await set(String(gateway?.id), { body: {} })).status, 400);
    assert.equal((await status(String(gateway?.id))).status, 400);
    assert.equal(asked().length, 0);
  });

  it('answers a status request with where its result will be, in the documented form', async () => {
    let answerIt: (value: JsonObject) => void = () => undefined;
    gate.link.answer = () =>
      new Promise((resolve) => {
        answerIt = resolve;
      });
    const begun = await status(virtual);
    assert.deepEqual([begun.status, begun.body], [202, {}]);
    const location = String(begun.headers.location);
    const pending = await gate.call(location);
    assert.deepEqual([pending.status, pending.body], [202, { status: 'pending' }]);
    await until('the add-on is asked', () => gate.link.requests.length === 1);
    answerIt({ state: 'ON', brightness: 254 });
    const { status: code, body } = await fetched(location);
    assert.equal(code, 200);
    assert.deepEqual(Object.keys(body), ['projectId', 'response', 'ttl', 'deviceId', 'id']);
    assert.deepEqual(
      [body['projectId'], body['response'], body['deviceId']],
      [PROJECT_ID, { state: 'ON', brightness: 254 }, virtual],
    );
    assert.equal(Number(body['ttl']) > Date.now() / 1_000, true);
    assert.equal(location, `/device/v1/control/${body['id']}/fetch`);
  });

  it('tells the answer of a device as status events', async () => {
    gate.link.answer = () => Promise.resolve({ temperature: 30.82 });
    const client = await connectClient(gate, '4.x', ['status', `status_${virtual}`, virtual]);
    const told = Promise.all([client.next('status'), client.next(`status_${virtual}`), client.next(virtual)]);
    await status(virtual);
    const [event, payload, collected] = await told;
    const { ts } = event as { ts: string };
    assert.deepEqual(event, { deviceId: virtual, payload: { temperature: 30.82 }, ts });
    assert.deepEqual(payload, { temperature: 30.82 });
    assert.deepEqual(collected, { action: 'status', payload: { temperature: 30.82 }, ts });
    client.close();
  });

  it('keeps the reason of a status request that failed', async () => {
    gate.link.answer = () =>
      Promise.reject(
        new GatewayError('deviceRefused', 'it is away', { reasonCode: 'unreachable', hint: 'power it' }),
      );
    const { headers } = await status(plug, { headers: FORWARDED });
    const { status: code, body } = await fetched(String(headers.location));
    assert.deepEqual(
      [code, body['error'], 'response' in body],
      [200, { code: 'unreachable', message: 'it is away', hint: 'power it' }, false],
    );
  });

  it('has nothing to fetch for an id that it never gave', async () => {
    assert.equal((await gate.call('/device/v1/control/nobody/fetch')).status, 404);
  });

  it('lets a caller without rights neither set nor ask', async () => {
    const closed = await ApiUnderTest.start({ anonymous: 'read' });
    const { id } = await closed.devices.create({ name: 'v', isVirtual: true });
    for (const call of ['set', 'status']) {
      assert.equal(
        (await closed.call(`/device/v1/control/${id}/${call}`, { method: 'POST', body: {} })).status,
        401,
      );
      assert.notEqual(
        (await closed.callLocally(`/device/v1/control/${id}/${call}`, { method: 'POST', body: {} })).status,
        401,
      );
    }
    await closed.stop();
  });
});
