import assert from 'node:assert/strict';
import { GatewayError } from '../../../src/model/error.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE, PROJECT_ID } from './support/api-under-test.ts';

const DEVICES = '/device/v1/devices';
const DOCUMENTED = {
  projectId: 'string',
  ts: 'number',
  isVirtual: 'boolean',
  demoActive: 'boolean',
  id: 'string',
  isGateway: 'boolean',
  name: 'string',
};

function assertDocumented(device: JsonObject): void {
  for (const [key, type] of Object.entries(DOCUMENTED)) assert.equal(typeof device[key], type, key);
}

describe('devices over REST', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start();
  });
  afterEach(() => gate.stop());

  const create = async (body: JsonObject) => {
    const answer = await gate.call(DEVICES, { method: 'POST', body });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer;
  };
  const createVirtual = async () => (await create({ name: 'doc', isVirtual: true })).body['id'] as string;
  const createHttp = async (parameters: JsonObject = { hostname: '10.0.0.7' }) =>
    (await create({ name: 'plug', type: HTTP_TYPE, parameters })).body['id'] as string;

  it('lists the gateway with the ids of its sub-devices, and the sub-devices with their parent', async () => {
    const id = await createVirtual();
    const { status, body } = await gate.call<JsonObject[]>(DEVICES);
    assert.equal(status, 200);
    assert.equal(body.length, 2);
    const [gateway, device] = body as [JsonObject, JsonObject];
    assertDocumented(gateway);
    assertDocumented(device);
    assert.deepEqual(gateway['subDevices'], [id]);
    assert.equal(gateway['isGateway'], true);
    assert.equal(gateway['id'], GATEWAY_ID);
    assert.equal(gateway['projectId'], PROJECT_ID);
    assert.ok(!('parentDevice' in gateway));
    assert.equal(device['parentDevice'], GATEWAY_ID);
    assert.ok(!('subDevices' in device));
  });

  it('shows one device, the gateway with its sub-devices as whole objects', async () => {
    const id = await createVirtual();
    const gateway = (await gate.call(`${DEVICES}/${GATEWAY_ID}`)).body;
    const device = (await gate.call(`${DEVICES}/${id}`)).body;
    assert.deepEqual(gateway['subDevices'], [device]);
    assertDocumented(device);
    assert.equal((device['status'] as JsonObject)['eventType'], 'paired');
  });

  it('creates a device, says where it is and answers with it', async () => {
    const { headers, body } = await create({ name: 'plug', type: HTTP_TYPE, parameters: { hostname: 'h' } });
    assert.equal(headers.location, `${DEVICES}/${body['id']}`);
    assert.deepEqual((await gate.call(headers.location as string)).body, body);
    assert.deepEqual(body['parameters'], { hostname: 'h', port: 80 });
  });

  it('refuses a device that is not right, naming the field', async () => {
    const answer = await gate.call(DEVICES, {
      method: 'POST',
      body: { name: 'x'.repeat(21), isVirtual: true },
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.body['code'], 'badRequest');
    assert.equal(((answer.body['errors'] as JsonObject[])[0] as JsonObject)['field'], 'name');
    const withoutBody = await gate.call(DEVICES, { method: 'POST' });
    assert.equal(withoutBody.status, 400);
  });

  it('changes what may be changed and answers {}', async () => {
    const id = await createVirtual();
    const relay = { thinning: { '*': { deadband: 0.5 } } };
    const patch = { name: 'renamed', frequency: 30, demoActive: true, relay };
    const answer = await gate.call(`${DEVICES}/${id}`, { method: 'PATCH', body: patch });
    assert.deepEqual([answer.status, answer.body], [200, {}]);
    const { name, frequency, demoActive, relay: shown } = (await gate.call(`${DEVICES}/${id}`)).body;
    assert.deepEqual({ name, frequency, demoActive, relay: shown }, patch);
    const tooOften = await gate.call(`${DEVICES}/${id}`, { method: 'PATCH', body: { frequency: 29 } });
    assert.equal(tooOften.status, 400);
  });

  it('deletes a device, but never the gateway itself', async () => {
    const id = await createVirtual();
    const answer = await gate.call(`${DEVICES}/${id}`, { method: 'DELETE' });
    assert.deepEqual([answer.status, answer.body], [200, {}]);
    assert.equal((await gate.call(`${DEVICES}/${id}`)).status, 404);
    assert.equal((await gate.call(`${DEVICES}/${id}`, { method: 'DELETE' })).status, 404);
    const gateway = await gate.call(`${DEVICES}/${GATEWAY_ID}`, { method: 'DELETE' });
    assert.deepEqual([gateway.status, gateway.body['code']], [403, 'forbidden']);
  });

  for (const prefix of ['', '/device/v1']) {
    it(`deletes a sub-device below its parent under ${prefix}/devices`, async () => {
      const id = await createVirtual();
      const path = (parent: string) => `${prefix}/devices/${parent}/subDevice/subDevices/${id}`;
      assert.equal((await gate.call(path(id), { method: 'DELETE' })).status, 404);
      assert.equal((await gate.call(path('nobody'), { method: 'DELETE' })).status, 404);
      const answer = await gate.call(path(GATEWAY_ID), { method: 'DELETE' });
      assert.deepEqual([answer.status, answer.body], [200, {}]);
      assert.equal((await gate.call(`${DEVICES}/${id}`)).status, 404);
    });
  }

  it('never shows secrets that lie in parameters', async () => {
    const parameters = { hostname: 'h', password: 'p4ss', auth: { token: 't0ken', user: 'u' } };
    const id = await createHttp(parameters);
    const answers = [await gate.call(DEVICES), await gate.callLocally(`${DEVICES}/${id}`)];
    for (const { body } of answers) assert.doesNotMatch(JSON.stringify(body), /p4ss|t0ken/);
    const shown = (await gate.call(`${DEVICES}/${id}`)).body['parameters'];
    assert.deepEqual(shown, { hostname: 'h', port: 80, auth: { user: 'u' } });
  });

  it('shows whether a device answers once it has been heard of', async () => {
    const id = await createHttp();
    assert.ok(!('availability' in (await gate.call(`${DEVICES}/${id}`)).body));
    gate.devices.reportAvailability('http', id, { online: false, reason: 'no route to host' });
    const { since, ...said } = (await gate.call(`${DEVICES}/${id}`)).body['availability'] as JsonObject;
    assert.deepEqual(said, { online: false, reason: 'no route to host' });
    assert.equal(typeof since, 'number');
  });

  it('pairs: 202, discovering at once, paired with its address when the add-on has answered', async () => {
    const id = await createHttp();
    let found = (_address: JsonObject): void => {};
    gate.link.answer = () => new Promise((resolve) => (found = resolve));
    const started = await gate.call(`${DEVICES}/${id}/pair`, { method: 'POST' });
    assert.deepEqual([started.status, started.body], [202, {}]);
    const discovering = (await gate.call(`${DEVICES}/${id}`)).body['status'] as JsonObject;
    assert.equal(discovering['eventType'], 'discovering');
    assert.equal((await gate.call(`${DEVICES}/${id}/pair`, { method: 'POST' })).status, 409);
    const paired = new Promise((resolve) => gate.events.on('devicePairingChanged', resolve));
    found({ ieee: '0x01' });
    await paired;
    const { status, address } = (await gate.call(`${DEVICES}/${id}`)).body;
    assert.equal((status as JsonObject)['eventType'], 'paired');
    assert.deepEqual(address, { ieee: '0x01' });
  });

  it('cancels a pairing, which then is not_paired with a reason', async () => {
    const id = await createHttp();
    gate.link.answer = ({ method }) => (method === 'pair' ? new Promise(() => {}) : Promise.resolve({}));
    await gate.call(`${DEVICES}/${id}/pair`, { method: 'POST' });
    const ended = new Promise((resolve) => gate.events.on('devicePairingChanged', resolve));
    const cancelled = await gate.call(`${DEVICES}/${id}/pair`, { method: 'DELETE' });
    assert.deepEqual([cancelled.status, cancelled.body], [200, {}]);
    await ended;
    const { eventType, reason } = (await gate.call(`${DEVICES}/${id}`)).body['status'] as JsonObject;
    assert.equal(eventType, 'not_paired');
    assert.equal((reason as JsonObject)['message'], 'the pairing was cancelled');
    assert.equal((await gate.call(`${DEVICES}/${id}/pair`, { method: 'DELETE' })).status, 409);
  });

  it('answers 500 without a word of what went wrong inside, which the log has', async () => {
    const id = await createVirtual();
    gate.store.broken = true;
    const answer = await gate.call(`${DEVICES}/${id}/data`);
    assert.equal(answer.status, 500);
    assert.deepEqual(Object.keys(answer.body), ['message', 'code']);
    assert.doesNotMatch(JSON.stringify(answer.body), /SQLITE|var/);
    assert.match(gate.log, /SQLITE_IOERR/);
  });

  it('answers 503 with Retry-After when the add-on is not there', async () => {
    const failing = new GatewayError('addonUnavailable', 'add-on "http" is not connected');
    gate.link.answer = () => Promise.reject(failing);
    const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
    const answer = await gate.call(`/device/v1/control/${id}/set`, { method: 'POST', body: {} });
    assert.deepEqual([answer.status, answer.body['code']], [503, 'addonUnavailable']);
    assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
  });
});
