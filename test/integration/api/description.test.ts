/** The API describes itself: every route, validly, and no more than there is. Answers are checked wherever tests call. */
import assert from 'node:assert/strict';
import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { Access } from '../../../src/api/access.ts';
import { addDescriptionRoutes } from '../../../src/api/routes/description.ts';
import { Routes } from '../../../src/api/routes/router.ts';
import { EVENT_KINDS } from '../../../src/api/views/event-view.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE } from './support/api-under-test.ts';
import { closed, type Document } from './support/described-answers.ts';
import { connectClient } from './support/realtime-clients.ts';

interface Channels {
  channels: Record<string, { address: string }>;
  components: { messages: Record<string, { payload: JsonObject; examples: { payload: unknown }[] }> };
}

/** JSON Schema of draft 7, as AsyncAPI has it. */
function draft7(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  (addFormats as unknown as (ajv: Ajv) => void)(ajv);
  return ajv;
}

describe('the API’s description', () => {
  let gate: ApiUnderTest;
  let openApi: Document & JsonObject;
  before(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
    openApi = (await gate.call<Document & JsonObject>('/openapi.json')).body;
  });
  after(() => gate.stop());

  it('is a valid OpenAPI 3.1 document', async () => {
    const { valid, errors } = await new Validator().validate(openApi);
    assert.equal(valid, true, JSON.stringify(errors));
    assert.match(String(openApi['openapi']), /^3\.1\./);
  });

  it('has every route that requests are led to, and no other', () => {
    const described = Object.entries(openApi.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = gate.api.routes.registered
      .filter(({ method }) => method !== 'HEAD')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    assert.deepEqual([...described].sort(), [...registered].sort());
    assert.ok(registered.length > 30, `${registered.length} routes`);
  });

  it('names each operation, each of its path’s parameters and each of its sections once', () => {
    const operations = Object.entries(openApi.paths).flatMap(([path, byMethod]) =>
      Object.values(byMethod).map((operation) => ({ path, operation })),
    );
    const names = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(names).size, names.length);
    const sections = new Set((openApi['tags'] as { name: string }[]).map(({ name }) => name));
    for (const { path, operation } of operations) {
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      assert.deepEqual(
        inPath.map(({ name }) => `{${name}}`).sort(),
        (path.match(/\{\w+\}/g) ?? []).sort(),
        path,
      );
      const [section] = (operation as unknown as { tags: string[] }).tags;
      assert.ok(sections.has(section ?? ''), `${operation.operationId}: ${section}`);
    }
  });

  it('has examples that are as the schemas beside them have it', async () => {
    const described = await gate.described();
    let checked = 0;
    for (const operation of Object.values(openApi.paths).flatMap((methods) => Object.values(methods))) {
      const contents = [
        ...Object.entries(operation.requestBody?.content ?? {}),
        ...Object.values(operation.responses).flatMap(({ content }) => Object.entries(content ?? {})),
      ];
      for (const [index, [type, { schema, example }]] of contents.entries()) {
        if (example === undefined) continue;
        checked += 1;
        const what = `example ${index} of ${operation.operationId} as ${type}`;
        described.assertFits(what, schema as JsonObject, example, what);
      }
    }
    assert.ok(checked >= 20, `${checked} examples`);
  });

  it('says nothing of a route that is not declared', async () => {
    const access = new Access({ anonymous: 'all', tokens: gate.tokens });
    const routes = new Routes(access);
    addDescriptionRoutes(routes);
    assert.deepEqual(
      routes.all.map(({ path }) => path),
      ['/openapi.json', '/asyncapi.json', '/docs', '/docs/events', '/docs/:file'],
    );
  });

  it('says which scope a call needs, and which need none', () => {
    const security = (path: string, method: string) => openApi.paths[path]?.[method]?.security;
    assert.deepEqual(security('/device/v1/devices', 'get'), [{ accessToken: ['read'] }, {}]);
    assert.deepEqual(security('/device/v1/control/{deviceId}/set', 'post'), [
      { accessToken: ['control'] },
      {},
    ]);
    assert.deepEqual(security('/authentication/v1/clients', 'post'), [{ accessToken: ['admin'] }]);
    assert.deepEqual(security('/health/live', 'get'), [{}]);
  });

  it('is answered 304 to who has it', async () => {
    const first = await gate.call('/openapi.json');
    const again = await gate.call('/openapi.json', {
      headers: { 'If-None-Match': String(first.headers.etag) },
    });
    assert.equal(again.status, 304);
  });

  it('needs the right to read', async () => {
    const closed = await ApiUnderTest.start({ anonymous: 'none' });
    try {
      for (const path of ['/openapi.json', '/asyncapi.json', '/docs', '/docs/events', '/docs/docs.css']) {
        assert.equal((await closed.call(path)).status, 401, path);
      }
    } finally {
      await closed.stop();
    }
  });

  describe('of events and MQTT', () => {
    let document: Channels & JsonObject;
    before(async () => {
      document = (await gate.call<Channels & JsonObject>('/asyncapi.json')).body;
    });

    it('is a valid AsyncAPI 3.0 document', () => {
      const check = draft7().compile(asyncApiSchema as object);
      assert.ok(check(document), JSON.stringify(check.errors?.slice(0, 5)));
    });

    it('refers to nothing that is not there', () => {
      const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
        ([, path]) => path,
      );
      assert.ok(references.length > 50);
      for (const path of references) {
        const target = String(path)
          .split('/')
          .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
        assert.notEqual(target, undefined, path);
      }
    });

    it('has examples that are as their schemas have it', () => {
      const ajv = draft7().addSchema({ ...document, $id: 'asyncapi.json' } as object);
      const messages = Object.entries(document.components.messages);
      assert.ok(messages.length >= 35, `${messages.length} messages`);
      for (const [name, { examples }] of messages) {
        const check = ajv.compile({ $ref: `asyncapi.json#/components/messages/${name}/payload` });
        for (const { payload } of examples)
          assert.ok(check(payload), `${name}: ${JSON.stringify(check.errors)}`);
      }
    });

    it('has every event that a client is sent, as it is sent', async () => {
      const open = await ApiUnderTest.start({ anonymous: 'all' });
      const { id } = await open.devices.create({ name: 'v', isVirtual: true });
      const plug = await open.devices.create({
        name: 'plug',
        type: HTTP_TYPE,
        parameters: { hostname: 'h' },
      });
      const named = Object.entries(document.channels)
        .filter(([key]) => key.startsWith('socketio.'))
        .map(([key, { address }]) => ({ key, event: address.replace('{deviceId}', id) }));
      const client = await connectClient(
        open,
        '4.x',
        named.map(({ event }) => event),
        { query: { events: EVENT_KINDS.join(',') } },
      );
      try {
        await open.record(id, [{ ts: Date.now(), data: { value: 1 } }]);
        open.events.emit('deviceAnswered', { deviceId: id, payload: { on: true }, ts: Date.now() });
        open.devices.reportAvailability('virtual', id, { online: false, reason: 'asleep' });
        open.link.answer = async ({ deviceId }) => {
          open.events.emit('addonEventReported', { slug: 'http', type: 'joined', deviceId, details: {} });
          return { mac: 'aa' };
        };
        await open.pairing.pair(plug.id);
        await until('it is paired', () => open.devices.get(plug.id).status.eventType === 'paired');
        open.link.answer = () => Promise.reject(new Error('no such host'));
        const last = client.next('not_paired');
        await open.pairing.pair(plug.id);
        await last;
        open.events.emit('readingsDropped', { count: 1, reason: 'size' });
        const lines = [{ timestamp: 1, type: 'LOG' as const, message: 'm', ingestionTime: 1 }];
        open.events.emit('logsGathered', { deviceId: GATEWAY_ID, log: 'gate', lines });
        open.events.emit('logLinesWritten', { log: 'gate', lines });
        const progress = { state: 'running', phase: 'copying', readings: false, ts: 1 } as const;
        open.events.emit('maintenanceChanged', { of: 'backup', ...progress });
        const change = { slug: 'knx', protocolId: 'vRy6GTde', ts: Date.now() };
        open.events.emit('installationChanged', { ...change, status: 'installing', reason: 'it starts' });
        for (const success of [true, false]) {
          const outcome = { version: '1.0.0', exitStatus: success ? 0 : 1, stdout: '', stderr: '' };
          open.events.emit('installationEnded', { ...change, ...outcome, installationSuccess: success });
        }
        const telegrams = [{ ts: 1, destination: '1/0/1', raw: '01' }];
        open.events.emit('busTelegramsHeard', { slug: 'knx', telegrams, leftOut: 0, ts: Date.now() });
        open.events.emit('protocolsChanged', { slug: 'knx' });
        open.events.emit('healthChanged', { part: 'addon:knx', state: 'degraded', reason: 'no bus' });
        open.events.emit('cloudLinkChanged', { connected: true, ts: Date.now() });
        open.events.emit('cloudLinkChanged', { connected: false, reason: 'CONNECTION_LOST', ts: Date.now() });
        await until('each event has come', () => named.every(({ event }) => client.received.has(event)));
        const ajv = draft7().addSchema(closed({ ...document, $id: 'asyncapi.json' }) as object);
        for (const { key, event } of named) {
          const check = ajv.compile({ $ref: `asyncapi.json#/components/messages/${key}/payload` });
          for (const payload of client.received.get(event) ?? []) {
            assert.ok(check(payload), `${event}: ${JSON.stringify(payload)} ${JSON.stringify(check.errors)}`);
          }
        }
      } finally {
        client.close();
        await open.stop();
      }
    });

    it('has each of the four contracts', () => {
      const kinds = new Set(Object.keys(document.channels).map((key) => key.split('.')[0]));
      assert.deepEqual([...kinds], ['socketio', 'websocket', 'addon', 'cloud']);
    });
  });
});
