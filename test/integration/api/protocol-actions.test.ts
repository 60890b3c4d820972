import assert from 'node:assert/strict';
import { GatewayError } from '../../../src/model/error.ts';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE, PROJECT_ID } from './support/api-under-test.ts';

const KNX = '/device/v1/protocols/vRy6GTde';
const SEARCH = `${KNX}/actions/searchServers`;

describe('actions of a protocol over REST', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start();
    await gate.protocols.install('knx', { ip_address: '10.0.0.9' });
  });
  afterEach(() => gate.stop());

  async function outcome(location: string): Promise<JsonObject> {
    return until('the action has ended', async () => {
      const { status, body } = await gate.call(location);
      return status === 200 && body;
    });
  }

  it('are shown with the protocol that has them', async () => {
    const { body } = await gate.call(KNX);
    const actions = body['actions'] as Record<string, JsonObject>;
    assert.deepEqual(Object.keys(actions), ['searchServers', 'reset']);
    assert.equal(actions['searchServers']?.['title'], 'Look for KNX/IP servers');
    assert.equal('actions' in (await gate.call('/device/v1/protocols/http')).body, false);
  });

  it('are begun with 202, and their result is fetched where Location says', async () => {
    gate.link.answer = async () => ['10.0.0.9'];
    const begun = await gate.call(SEARCH, { method: 'POST', body: { seconds: 5 } });
    assert.deepEqual([begun.status, begun.body], [202, {}]);
    const { ttl, id, ...rest } = await outcome(begun.headers.location ?? '');
    assert.deepEqual(rest, {
      projectId: PROJECT_ID,
      response: ['10.0.0.9'],
      deviceId: GATEWAY_ID,
      protocolId: 'vRy6GTde',
      action: 'searchServers',
    });
    assert.deepEqual([typeof ttl, typeof id], ['number', 'string']);
    assert.deepEqual(gate.link.requests, [
      { slug: 'knx', request: { method: 'searchServers', params: { seconds: 5 }, timeoutMs: 60_000 } },
    ]);
  });

  it('have their defaults filled in, also without a body', async () => {
    const begun = await gate.call(SEARCH, { method: 'POST' });
    await outcome(begun.headers.location ?? '');
    assert.deepEqual(gate.link.requests[0]?.request.params, { seconds: 3 });
  });

  it('that fail or are late say why where their result would be', async () => {
    gate.link.answer = () =>
      Promise.reject(
        new GatewayError('deviceRefused', 'no network', { hint: 'plug it in', reasonCode: 'noNet' }),
      );
    const begun = await gate.call(SEARCH, { method: 'POST' });
    const { error, response } = await outcome(begun.headers.location ?? '');
    assert.deepEqual(error, { code: 'noNet', message: 'no network', hint: 'plug it in' });
    assert.equal(response, undefined);
  });

  it('refuse parameters that do not fit, naming each', async () => {
    const cases: [unknown, string][] = [
      [{ seconds: 0 }, 'seconds'],
      [{ second: 1 }, 'second'],
      [[], ''],
      ['5', ''],
    ];
    for (const [body, field] of cases) {
      const answer = await gate.call(SEARCH, {
        method: 'POST',
        body: typeof body === 'string' ? JSON.stringify(body) : body,
      });
      assert.equal(answer.status, 400);
      assert.equal((answer.body['errors'] as { field: string }[])[0]?.field, field);
    }
    assert.deepEqual(gate.link.requests, []);
  });

  it('name those there are when one is unknown', async () => {
    for (const name of ['search', 'constructor', '__proto__', 'set', 'pair']) {
      const { status, body } = await gate.call(`${KNX}/actions/${name}`, { method: 'POST' });
      assert.deepEqual([status, body['hint']], [404, 'its actions are searchServers, reset']);
    }
    const { body } = await gate.call('/device/v1/protocols/http/actions/reset', { method: 'POST' });
    assert.equal(body['hint'], 'it has no actions');
  });

  it('need the scope that the manifest gives them', async () => {
    const { headers } = await gate.clientOf('control');
    assert.equal((await gate.call(SEARCH, { method: 'POST', headers })).status, 202);
    assert.equal((await gate.call(`${KNX}/actions/reset`, { method: 'POST', headers })).status, 403);
    const reader = await gate.clientOf('read');
    assert.equal((await gate.call(SEARCH, { method: 'POST', headers: reader.headers })).status, 403);
  });

  it('need the protocol to be installed', async () => {
    await gate.protocols.remove('knx');
    const { status, body } = await gate.call(SEARCH, { method: 'POST' });
    assert.equal(status, 409);
    assert.match(String(body['hint']), /POST .*\/installation/);
  });
});

describe('a scan over REST', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start();
  });
  afterEach(() => gate.stop());

  const SCAN = '/device/v1/protocols/http/scan';
  const scan = () => gate.call<JsonValue>(SCAN, { method: 'POST' });

  it('answers what the add-on found, with the device that each is already', async () => {
    const device = (hostname: string) =>
      gate.devices.create({ name: hostname, type: HTTP_TYPE, parameters: { hostname } });
    const [byParameters, byAddress, byId] = [await device('plug'), await device('lamp'), await device('fan')];
    await gate.devices.setStatus(byAddress.id, { eventType: 'paired' }, { mac: 'aa' });
    const { id: elsewhere } = await gate.devices.create({ name: 'virtual', isVirtual: true });
    gate.link.answer = async () => [
      { label: 'new', parameters: { hostname: 'heater' }, colour: 'red' },
      { label: 'plug', type: HTTP_TYPE, parameters: { hostname: 'plug' } },
      { label: 'lamp', parameters: { hostname: '10.0.0.7' }, address: { mac: 'aa' } },
      { label: 'fan', parameters: {}, deviceId: byId.id },
      { label: 'not its own', parameters: {}, deviceId: elsewhere },
    ];
    const { status, body } = await scan();
    assert.equal(status, 200);
    assert.deepEqual(body, [
      { label: 'new', parameters: { hostname: 'heater' } },
      { label: 'plug', type: HTTP_TYPE, parameters: { hostname: 'plug' }, deviceId: byParameters.id },
      { label: 'lamp', parameters: { hostname: '10.0.0.7' }, deviceId: byAddress.id },
      { label: 'fan', parameters: {}, deviceId: byId.id },
      { label: 'not its own', parameters: {} },
    ]);
  });

  it('says so clearly when the add-on cannot scan', async () => {
    gate.link.answer = () =>
      Promise.reject(new GatewayError('deviceRefused', 'no', { reasonCode: 'unsupported' }));
    const { status, body } = await scan();
    assert.equal(status, 409);
    assert.match(String((body as JsonObject)['message']), /"http" cannot look for devices/);
  });

  it('is one scan for all who ask meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<JsonValue>();
    gate.link.answer = () => promise;
    const both = Promise.all([scan(), scan()]);
    await until('it is asked', () => gate.link.requests.length > 0);
    resolve([{ label: 'a', parameters: {} }]);
    for (const { body } of await both) assert.deepEqual(body, [{ label: 'a', parameters: {} }]);
    assert.equal(gate.link.requests.length <= 2, true);
    const before = gate.link.requests.length;
    await scan();
    assert.equal(gate.link.requests.length, before + 1);
  });

  it('shows a bounded number of candidates', async () => {
    gate.link.answer = async () => Array.from({ length: 1_500 }, (_, n) => ({ label: `${n}` }));
    assert.equal(((await scan()).body as JsonValue[]).length, 1_000);
  });

  it('refuses what is no list of candidates, and says what is wrong', async () => {
    for (const answer of [{}, 'x', null, [{ label: '' }], [{ label: 'a', parameters: 1 }]] as JsonValue[]) {
      gate.link.answer = async () => answer;
      const { status, body } = await scan();
      assert.equal(status, 503);
      assert.match(String((body as JsonObject)['message']), /no list of candidates/);
    }
  });
});
