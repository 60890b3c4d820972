import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { Access } from '../../../src/api/access.ts';
import { HostCheck } from '../../../src/api/host-check.ts';
import { Origins } from '../../../src/api/origins.ts';
import { RateLimit } from '../../../src/api/rate-limit.ts';
import { OUTGOING_MAX_BYTES } from '../../../src/api/sockets/outgoing.ts';
import { SocketAdmission } from '../../../src/api/sockets/socket-admission.ts';
import { WebSocketClients } from '../../../src/api/sockets/web-socket-clients.ts';
import { Tally } from '../../../src/lib/tally.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE, PROJECT_ID } from './support/api-under-test.ts';
import {
  connectLocalWebSocket,
  connectWebSocket,
  handshake,
  type WebSocketClient,
  type WebSocketOptions,
} from './support/web-socket-clients.ts';

const TS = 1588925769193;
const DATA = { data: 81 };
const PRINCIPAL = '0e8833aadad2ed060965b102ef40fc44c647c1bec9f5a51056beddab0efac57e';
const PATH = `/?project=${PROJECT_ID}`;

describe('the plain WebSocket', () => {
  let gate: ApiUnderTest;
  let a: string;
  let b: string;
  const clients: WebSocketClient[] = [];

  beforeEach(async () => {
    const identity = { principal: PRINCIPAL, retentionDays: 30 };
    gate = await ApiUnderTest.start({ anonymous: 'read', identity, version: '1.7.1' });
    ({ id: a } = await gate.devices.create({ name: 'a', isVirtual: true }));
    ({ id: b } = await gate.devices.create({ name: 'b', isVirtual: true }));
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.terminate();
    await gate.stop();
  });
  const connect = async (options?: WebSocketOptions) => {
    const client = await connectWebSocket(gate, options);
    clients.push(client);
    return client;
  };
  const reading = (deviceId: string) => gate.record(deviceId, [{ ts: TS, data: DATA }]);

  it('tells of a reading in the documented shape', async () => {
    const client = await connect();
    await reading(a);
    const { id, ...rest } = await client.told('data');
    assert.match(String(id), /^[\w-]{24}$/);
    assert.deepEqual(rest, {
      clientId: GATEWAY_ID,
      principal: PRINCIPAL,
      ts: TS,
      ttl: Math.floor(TS / 1_000) + 30 * 86_400,
      deviceId: a,
      data: DATA,
    });
    const told = client.received.find(({ action }) => action === 'data');
    assert.deepEqual(Object.keys(told ?? {}), ['action', 'payload']);
    const keys = ['id', 'clientId', 'principal', 'ts', 'ttl', 'deviceId', 'data'];
    assert.deepEqual(Object.keys(told?.payload ?? {}), keys);
  });

  it('tells of a status with the id and the ttl under which it can be fetched', async () => {
    const admin = await gate.clientOf('admin');
    const client = await connect();
    gate.link.answer = () => Promise.resolve({ temperature: 37.35 });
    const asked = await gate.call(`/device/v1/control/${a}/status`, {
      method: 'POST',
      headers: admin.headers,
    });
    const told = await client.told('status');
    const { body } = await gate.call(String(asked.headers.location));
    assert.deepEqual(told, body);
    assert.deepEqual(Object.keys(told), ['projectId', 'response', 'ttl', 'deviceId', 'id']);
  });

  it('tells of a pairing and of availability', async () => {
    const client = await connect();
    const device = await gate.devices.create({
      name: 'sensor',
      type: HTTP_TYPE,
      parameters: { hostname: 'h' },
    });
    await gate.pairing.pair(device.id);
    assert.deepEqual(await client.told('paired'), {
      projectId: PROJECT_ID,
      ts: device.ts,
      status: { eventType: 'paired' },
      parentDevice: GATEWAY_ID,
      id: device.id,
      env: 'live',
      isGateway: false,
      name: 'sensor',
      type: HTTP_TYPE,
    });
    assert.deepEqual((await client.told('discovering'))['status'], { eventType: 'discovering' });
    gate.devices.reportAvailability('http', device.id, { online: false, reason: 'asleep' });
    const { ts, ...said } = await client.told('availability');
    assert.deepEqual(said, { deviceId: device.id, online: false, reason: 'asleep' });
    assert.match(String(ts), /Z$/);
    assert.equal((await client.told('notification'))['subject'], 'device_unavailable');
  });

  it('tells of devices, protocols and health that somebody else changed', async () => {
    const client = await connect();
    const { id } = await gate.devices.create({ name: 'new', isVirtual: true });
    await gate.devices.patch(id, { name: 'renamed' });
    await gate.devices.remove(id);
    gate.events.emit('protocolsChanged', { slug: 'knx' });
    gate.events.emit('healthChanged', { part: 'addon:knx', state: 'degraded', reason: 'no bus' });
    const { ts, ...health } = await client.told('health');
    assert.deepEqual(health, { part: 'addon:knx', state: 'degraded', reason: 'no bus' });
    assert.match(String(ts), /Z$/);
    const told = client.received.filter(({ action }) => action === 'device_changed');
    assert.deepEqual(
      told.map(({ payload }) => [payload['deviceId'], payload['change']]),
      ['added', 'changed', 'removed'].map((change) => [id, change]),
    );
    assert.equal((await client.told('protocol_changed'))['protocol'], 'knx');
  });

  it('tells administrators how an installation goes, in the documented shapes', async () => {
    const { token } = await gate.clientOf('admin');
    const [client, reader] = [await connect({ query: { access_token: token } }), await connect()];
    const common = { protocolId: 'vRy6GTde', slug: 'knx', ts: TS };
    const ended = { ...common, version: '1.0.1', stdout: 'up to date\n', stderr: '' };
    gate.events.emit('installationChanged', { ...common, status: 'installing', reason: 'it is started' });
    gate.events.emit('installationEnded', { ...ended, exitStatus: 0, installationSuccess: true });
    gate.events.emit('installationEnded', { ...ended, exitStatus: 1, installationSuccess: false });
    const event = {
      dt_install: TS,
      protocol: 'knx',
      protocolId: 'vRy6GTde',
      exitStatus: 0,
      installationSuccess: true,
      stdout: 'up to date\n',
      stderr: '',
      versions: { knx: 'knx:1.0.1', gate: 'instathings/gate:1.7.1' },
      newContainers: ['knx'],
      projectId: PROJECT_ID,
      deviceId: GATEWAY_ID,
    };
    assert.deepEqual(await client.told('installation_succeded'), { event });
    const failed = { exitStatus: 1, installationSuccess: false, newContainers: [] };
    const versions = { gate: 'instathings/gate:1.7.1' };
    assert.deepEqual(await client.told('installation_failed'), { event: { ...event, ...failed, versions } });
    assert.equal((await client.told('installation_progress'))['status'], 'installing');
    await reading(a);
    await reader.told('data');
    assert.equal(
      reader.received.some(({ action }) => action.startsWith('installation')),
      false,
    );
  });

  it('tells of a bus only who names it and may control', async () => {
    const { token } = await gate.clientOf('control');
    const query = { access_token: token, events: 'bus' };
    const [client, other] = [await connect({ query }), await connect({ query: { access_token: token } })];
    const telegrams = [{ ts: TS, service: 'write', destination: '1/0/1', raw: '01' }];
    gate.events.emit('busTelegramsHeard', { slug: 'knx', telegrams, leftOut: 2, ts: TS });
    const ts = new Date(TS).toISOString();
    assert.deepEqual(await client.told('bus_telegrams'), { protocol: 'knx', telegrams, leftOut: 2, ts });
    await reading(a);
    await other.told('data');
    assert.equal(
      other.received.some(({ action }) => action === 'bus_telegrams'),
      false,
    );
    assert.deepEqual(
      client.received.map(({ action }) => action),
      ['bus_telegrams'],
    );
    await assert.rejects(connect({ query: { events: 'bus' } }), /403/);
  });

  it('tells who opens it of the version, in the documented shape', async () => {
    const client = await connect();
    const { ts, status, ...version } = await client.told('software_version');
    assert.equal(typeof ts, 'number');
    const { timestamp, ...presence } = status as JsonObject;
    assert.equal(typeof timestamp, 'number');
    assert.deepEqual(presence, {
      principalIdentifier: PRINCIPAL,
      clientId: GATEWAY_ID,
      eventType: 'created',
    });
    assert.deepEqual(version, {
      projectId: PROJECT_ID,
      stats: { ingestion: 0 },
      version: { gate: 'instathings/gate:1.7.1' },
      certificateId: PRINCIPAL,
      protocols: ['virtual', 'R2Jh6IhT'],
      env: 'live',
      isGateway: true,
      name: 'gateway',
      subDevices: [a, b],
      id: GATEWAY_ID,
    });
  });

  it('tells of the version again when an update of gate has ended, with the reason of a failure', async () => {
    const client = await connect({ query: { events: 'version' } });
    await client.told('software_version');
    gate.events.emit('updateEnded', { of: 'knx', version: '9.0.0' });
    gate.events.emit('updateEnded', { of: 'gate', version: '2.0.0', failure: 'it did not answer' });
    const told = () => client.received.filter(({ action }) => action === 'software_version');
    await until('it is told again', () => told().length === 2);
    const payload = told()[1]?.payload as JsonObject | undefined;
    assert.deepEqual(payload?.['update'], { version: '2.0.0', failure: 'it did not answer' });
    assert.deepEqual(payload?.['version'], { gate: 'instathings/gate:1.7.1' });
  });

  it('tells of the link to the cloud, in the documented shapes', async () => {
    const client = await connect({ query: { events: 'cloud' } });
    gate.events.emit('cloudLinkChanged', { connected: true, ts: TS });
    const { status: presence, ...gateway } = await client.told('connected');
    const known = { principalIdentifier: PRINCIPAL, clientId: GATEWAY_ID };
    assert.deepEqual(presence, { ...known, eventType: 'connected', timestamp: TS });
    assert.deepEqual(
      [gateway['id'], gateway['isGateway'], gateway['subDevices']],
      [GATEWAY_ID, true, [a, b]],
    );
    gate.events.emit('cloudLinkChanged', {
      connected: false,
      reason: 'CONNECTION_LOST',
      byUs: false,
      ts: TS,
    });
    const { status: absence, ...rest } = await client.told('disconnected');
    assert.deepEqual(absence, {
      disconnectReason: 'CONNECTION_LOST',
      clientInitiatedDisconnect: false,
      ...known,
      eventType: 'disconnected',
      timestamp: TS,
    });
    assert.deepEqual(rest, gateway);
  });

  it('tells administrators of logs, and no others', async () => {
    const { token } = await gate.clientOf('admin');
    const [admin, reader] = [await connect({ query: { access_token: token } }), await connect()];
    gate.logs.append('http', 'LOG', 'connecting');
    const { logs, ...rest } = await admin.told('log');
    assert.deepEqual(rest, { deviceId: GATEWAY_ID, containerName: 'http' });
    const [line] = logs as JsonObject[];
    assert.deepEqual(Object.keys(line ?? {}), ['message', 'type', 'timestamp']);
    await reading(a);
    await reader.told('data');
    assert.equal(
      reader.received.some(({ action }) => action === 'log'),
      false,
    );
  });

  it('is narrowed to devices and kinds as socket.io is', async () => {
    const [devices, kinds] = [
      await connect({ query: { devices: b } }),
      await connect({ query: { events: 'availability' } }),
    ];
    await reading(a);
    await reading(b);
    gate.devices.reportAvailability('virtual', a, { online: true });
    gate.devices.reportAvailability('virtual', b, { online: true });
    await Promise.all([devices.told('availability'), kinds.told('availability')]);
    assert.deepEqual(
      devices.received.map(({ action, payload }) => [action, payload['deviceId']]),
      [
        ['data', b],
        ['availability', b],
      ],
    );
    assert.deepEqual(new Set(kinds.received.map(({ action }) => action)), new Set(['availability']));
  });

  it('tells in the order in which it happened, none missing', async () => {
    const client = await connect({ query: { events: 'data,availability' } });
    const count = 5_000;
    await gate.record(
      a,
      Array.from({ length: count }, (_, n) => ({ ts: TS, data: { n } })),
    );
    gate.devices.reportAvailability('virtual', a, { online: true });
    await client.told('availability');
    const numbers = client.received.slice(0, -1).map(({ payload }) => (payload['data'] as JsonObject)['n']);
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, n) => n),
    );
  });

  it('answers whoever may not open it with the status and the form of REST', async () => {
    const expired = await gate.clientOf('read');
    gate.aheadMs = 2 * 3_600_000;
    const cases: [string, Record<string, string>, number, string, RegExp][] = [
      ['/', {}, 400, 'badRequest', /"project" must be given/],
      [`${PATH}&project=x`, {}, 400, 'badRequest', /"project" must be given once/],
      ['/?project=other', {}, 403, 'forbidden', /does not belong to project "other"/],
      [`${PATH}&access_token=no.sen.se`, {}, 401, 'unauthorized', /token is invalid/],
      [`${PATH}&access_token=${expired.token}`, {}, 401, 'unauthorized', /token has expired/],
      [`${PATH}&access_token=a&access_token=b`, {}, 401, 'unauthorized', /given once/],
      [PATH, { Authorization: 'Bearer nonsense' }, 401, 'unauthorized', /token is invalid/],
      [`${PATH}&events=colours`, {}, 400, 'badRequest', /may name data/],
      [`${PATH}&events=log`, {}, 403, 'forbidden', /may not hear/],
      [PATH, { Host: 'attacker.example' }, 403, 'forbidden', /Host/],
      [PATH, { Origin: 'http://attacker.example' }, 403, 'forbidden', /origin/],
      [PATH, { 'Sec-WebSocket-Version': '7' }, 400, 'badRequest', /no WebSocket handshake/],
      [PATH, { 'Sec-WebSocket-Key': 'short' }, 400, 'badRequest', /no WebSocket handshake/],
      ['/device/v1/devices', {}, 404, 'notFound', /no WebSocket at this path/],
      ['/socket.io', {}, 404, 'notFound', /no WebSocket at this path/],
    ];
    for (const [path, headers, status, code, message] of cases) {
      const refused = await handshake(gate, path, headers);
      assert.deepEqual([path, refused?.status, refused?.body['code']], [path, status, code]);
      assert.match(String(refused?.body['message']), message);
      assert.equal(refused?.headers['content-type'], 'application/json; charset=utf-8');
    }
    assert.equal(await handshake(gate, PATH), undefined);
  });

  it('never writes a token into the log', async () => {
    const { token } = await gate.clientOf('read');
    await connect({ query: { access_token: token } });
    await handshake(gate, `${PATH}&access_token=${token}x`);
    assert.equal(gate.log.includes(token), false);
  });

  it('lives as long as its token', async () => {
    const client = await gate.clientOf('read');
    const query = { access_token: client.token };
    const [cut, other] = [await connect({ query }), await connect()];
    await gate.clients.remove(client.clientId);
    assert.deepEqual(await cut.closed, { code: 1008, reason: 'the token has expired or is void' });
    await reading(a);
    await other.told('data');
    assert.equal(
      cut.received.some(({ action }) => action === 'data'),
      false,
    );
  });

  it('says goodbye when the gateway stops', async () => {
    const client = await connect();
    await gate.api.stop();
    assert.deepEqual(await client.closed, { code: 1001, reason: 'the gateway stops' });
  });

  it('answers what a client says once, and goes on', async () => {
    const client = await connect();
    client.socket.send('{"action": "set"}');
    client.socket.send(Buffer.from([0, 1, 2]));
    client.socket.send('not JSON');
    const { code, hint } = await client.told('error');
    assert.deepEqual([code, typeof hint], ['badRequest', 'string']);
    await reading(a);
    await client.told('data');
    assert.equal(client.received.filter(({ action }) => action === 'error').length, 1);
  });

  it('ends with a client that sends too much, or no WebSocket frames', async () => {
    const [large, garbage, other] = [await connect(), await connect(), await connect()];
    large.socket.on('error', () => {});
    large.socket.send('x'.repeat(17 * 1024));
    assert.equal((await large.closed).code, 1009);
    const raw = Reflect.get(garbage.socket, '_socket') as { write: (bytes: Buffer) => void };
    raw.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    assert.equal((await garbage.closed).code, 1002);
    await reading(a);
    await other.told('data');
  });

  it('cuts a client that takes nothing, and no other', async () => {
    const healthy = await connect({ query: { devices: b } });
    const deaf = await connect({ query: { devices: a } });
    deaf.socket.pause();
    const text = 'x'.repeat(64 * 1024);
    const enough = Math.ceil((8 * OUTGOING_MAX_BYTES) / text.length);
    for (let n = 0; n < enough && gate.api.slowClients === 0; n += 1) {
      await gate.record(a, [{ ts: TS + n, data: { text } }]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(gate.api.slowClients, 1);
    assert.match(gate.log, /a WebSocket client does not keep up/);
    deaf.socket.resume();
    assert.equal((await deaf.closed).code, 1006);
    await reading(b);
    await healthy.told('data');
  });

  it('opens through the socket of the box too, for administrators', async () => {
    const client = await connectLocalWebSocket(gate);
    clients.push(client);
    gate.logs.append('http', 'LOG', 'connecting');
    await client.told('log');
  });

  it('leaves a request alone that offers another protocol', async () => {
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' };
    const { status, body } = await gate.call('/health/live', { headers });
    assert.deepEqual([status, body], [200, { status: 'live' }]);
  });

  it('asks whether its client is there, and cuts one that does not answer', async () => {
    const admission = new SocketAdmission({
      access: new Access({ anonymous: 'all', tokens: gate.tokens }),
      hostCheck: new HostCheck({ hostname: 'box', allowedHosts: [] }),
      origins: new Origins([]),
      rateLimit: new RateLimit({
        limits: { clientPerSecond: 0, anonymousPerSecond: 0 },
        monotonicNow: () => performance.now(),
        refused: new Tally(),
      }),
      events: gate.events,
      now: Date.now,
    });
    const sockets = new WebSocketClients({
      admission,
      projectId: 'p',
      onWelcome: () => {},
      logger: pino({ level: 'silent' }),
      pingIntervalMs: 50,
    });
    const server = createServer();
    sockets.attach(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/?project=p`;
    const [silent, awake] = [new WebSocket(url, { autoPong: false }), new WebSocket(url)];
    await new Promise<void>((resolve) => silent.once('close', () => resolve()));
    await new Promise<void>((resolve) => awake.once('ping', () => resolve()));
    assert.equal(awake.readyState, WebSocket.OPEN);
    const closed = new Promise<void>((resolve) => awake.once('close', () => resolve()));
    sockets.stop();
    await closed;
    await new Promise((resolve) => server.close(resolve));
  });
});
