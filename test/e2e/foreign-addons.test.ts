/**
 * Add-ons that others start, with nothing of ours in them: one over mqtt.js, one made of mosquitto_sub and
 * mosquitto_pub, at the real daemon.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { reasonToSkip } from '../../scripts/peers/peers.ts';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const PROTOCOLS = '/device/v1/protocols';

interface Login {
  brokerUrl: string;
  addon: string;
  token: string;
}
interface Protocol extends Partial<Login> {
  id: string;
  slug: string;
  status: string;
  state: string;
  reason?: string;
}
interface Failure {
  code: string;
  message: string;
  hint?: string;
  errors?: { field: string; message: string }[];
}

function manifest(slug: string, changes: object = {}): object {
  return {
    id: `id-${slug}`,
    slug,
    name: slug,
    contract: 1,
    version: '1.0.0',
    types: [
      { id: `type-${slug}`, manufacturer: 'Others', model: 'T-1', description: 'not ours', type: 'sensor' },
    ],
    actions: {
      blink: { parameters: { type: 'object', required: ['times'] }, scope: 'control', timeoutSeconds: 5 },
    },
    runtime: { external: {} },
    ...changes,
  };
}

/** An add-on as anybody may write it after reading the contract. */
function program({ brokerUrl, addon, token }: Login): MqttClient {
  const base = `gate/addons/${addon}`;
  const state = (name: string) => JSON.stringify({ state: name, contract: 1, version: '1.0.0' });
  const client = mqtt.connect(brokerUrl, {
    clientId: addon,
    username: addon,
    password: token,
    protocolVersion: 4,
    reconnectPeriod: 0,
    keepalive: 5,
    will: { topic: `${base}/state`, payload: Buffer.from(state('stopped')), qos: 1, retain: true },
  });
  client.on('error', () => undefined);
  client.on('connect', () => {
    client.subscribe({ [`${base}/config`]: { qos: 1 }, [`${base}/requests/+`]: { qos: 1 } });
  });
  client.on('message', (topic, payload) => {
    const message = JSON.parse(payload.toString());
    if (topic === `${base}/config`) {
      client.publish(`${base}/state`, state('running'), { qos: 1, retain: true });
      return;
    }
    const values: Record<string, unknown> = {
      scan: [{ label: 'the one on the roof', type: `type-${addon}`, parameters: {}, address: { n: 1 } }],
      pair: { n: 1 },
      blink: { blinked: message.params.times },
    };
    const value = values[message.method];
    const error = { code: 'unsupported', message: 'never heard of it' };
    const result = value === undefined ? { ok: false, error } : { ok: true, value };
    client.publish(`${base}/results/${topic.split('/').at(-1)}`, JSON.stringify(result), { qos: 1 });
  });
  return client;
}

describe('an add-on that others start', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  let clients: MqttClient[];

  beforeEach(async () => {
    clients = [];
    folder = tempFolder();
    daemon = await Daemon.start({ dataFolder: folder.path });
  });
  afterEach(async () => {
    for (const client of clients) client.end(true);
    assert.equal(await daemon.stop(), 0);
    folder.remove();
  });

  const register = (slug: string, changes: object = {}) =>
    daemon.api.send<Protocol & Login>('POST', PROTOCOLS, manifest(slug, changes));
  const protocol = (slug: string) => daemon.api.get<Protocol>(`${PROTOCOLS}/${slug}`);

  function connect(login: Login): MqttClient {
    const client = program(login);
    clients.push(client);
    return client;
  }

  /** Unlike `events.once` it does not mind the error that comes first. */
  async function refused(login: Login): Promise<void> {
    const client = connect(login);
    await new Promise<void>((resolve) => client.once('close', () => resolve()));
  }

  async function becomes(slug: string, state: string): Promise<Protocol> {
    return until(`${slug} is ${state}`, async () => {
      const now = await protocol(slug);
      return now.state === state && now;
    });
  }

  it('is registered by its manifest alone, and everything works as with one of ours', async () => {
    const answer = await daemon.api.call<Protocol & Login>('POST', PROTOCOLS, manifest('roof'));
    assert.deepEqual([answer.status, answer.headers['location']], [201, `${PROTOCOLS}/id-roof`]);
    assert.deepEqual(
      [answer.body.status, answer.body.state, answer.body.addon],
      ['installed', 'stopped', 'roof'],
    );
    assert.match(answer.body.reason ?? '', /has not connected yet/);
    const client = connect(answer.body);
    await becomes('roof', 'running');

    const [candidate] = await daemon.api.send<{ label: string; deviceId?: string }[]>(
      'POST',
      `${PROTOCOLS}/roof/scan`,
    );
    assert.deepEqual([candidate?.label, candidate?.deviceId], ['the one on the roof', undefined]);
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'roof',
      type: 'type-roof',
    });
    await daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    await until('it is paired', async () => {
      const { status } = await daemon.api.get<{ status: { eventType: string } }>(`/device/v1/devices/${id}`);
      return status.eventType === 'paired';
    });
    const [known] = await daemon.api.send<{ deviceId?: string }[]>('POST', `${PROTOCOLS}/roof/scan`);
    assert.equal(known?.deviceId, id);

    const reading = JSON.stringify({ id: 'r1', ts: Date.now(), data: { wind: 3 } });
    await client.publishAsync(`gate/addons/roof/devices/${id}/data`, reading, { qos: 1 });
    const { data } = await daemon.api.get<{ data: { data: object }[] }>(`/device/v1/devices/${id}/data`);
    assert.deepEqual(
      data.map((each) => each.data),
      [{ wind: 3 }],
    );

    const begun = await daemon.api.call('POST', `${PROTOCOLS}/roof/actions/blink`, { times: 2 });
    const outcome = await until('the action has ended', async () => {
      const { status, body } = await daemon.api.call<{ response: object }>(
        'GET',
        String(begun.headers['location']),
      );
      return status === 200 && body;
    });
    assert.deepEqual(outcome.response, { blinked: 2 });

    await client.publishAsync(
      'gate/addons/roof/events',
      JSON.stringify({ type: 'log', level: 'ERR', message: 'a gull sits on it' }),
      { qos: 1 },
    );
    const devices = await daemon.api.get<{ id: string; isGateway: boolean }[]>('/device/v1/devices');
    const gatewayId = devices.find(({ isGateway }) => isGateway)?.id;
    const log = await daemon.api.get<{ type: string; message: string }[]>(
      `/device/v1/devices/${gatewayId}/roof/logs`,
    );
    assert.deepEqual(
      log.map(({ type, message }) => [type, message]),
      [
        ['LOG', 'gate: its program has connected'],
        ['ERR', 'a gull sits on it'],
      ],
    );
  });

  it('is degraded once its connection breaks, with a notification, and stopped once it says goodbye', async () => {
    const login = await register('roof');
    const client = connect(login);
    await becomes('roof', 'running');
    client.stream.destroy();
    assert.match((await becomes('roof', 'degraded')).reason ?? '', /has lost its connection/);
    const { notifications } = await daemon.api.get<{
      notifications: { metaAttrsFilter: { subject?: string }; message: string }[];
    }>('/history/notifications/history?addon=roof');
    assert.match(JSON.stringify(notifications), /addon_failing/);
    const again = connect(login);
    await becomes('roof', 'running');
    const goodbye = JSON.stringify({ state: 'stopped', contract: 1, version: '1.0.0', reason: 'night' });
    await again.publishAsync('gate/addons/roof/state', goodbye, { qos: 1, retain: true });
    await again.endAsync();
    assert.equal((await becomes('roof', 'stopped')).reason, 'night');
    await until('it is gone', () =>
      daemon.log.some(({ msg }) => msg.includes('the connection of its program has ended')),
    );
    assert.equal((await protocol('roof')).state, 'stopped');
  });

  it('logs in with the same token after a restart; a renewed or revoked one is void at once', async () => {
    const login = await register('roof');
    const stored = readFileSync(join(folder.path, 'gate.db')).includes(login.token);
    assert.equal(stored, false);
    assert.equal(await daemon.stop(), 0);
    daemon = await Daemon.start({
      dataFolder: folder.path,
      environment: { LOCAL_BROKER_PORT: new URL(login.brokerUrl).port },
    });
    assert.match((await protocol('roof')).reason ?? '', /has not connected yet/);
    const first = connect(login);
    await becomes('roof', 'running');

    const renewed = await daemon.api.call<Login>('POST', `${PROTOCOLS}/roof/token`);
    assert.equal(renewed.status, 201);
    assert.notEqual(renewed.body.token, login.token);
    await until('the old one is cut', () => !first.connected);
    await refused(login);
    connect(renewed.body);
    await becomes('roof', 'running');

    await daemon.api.send('DELETE', `${PROTOCOLS}/roof/token`);
    await becomes('roof', 'degraded');
    await refused(renewed.body);
    const told = daemon.log.map((line) => JSON.stringify(line)).join('\n');
    for (const { token } of [login, renewed.body]) assert.equal(told.includes(token), false);
    const view = JSON.stringify(await protocol('roof'));
    assert.equal(/token|hash|salt/.test(view), false, view);
  });

  it('is not registered twice, and the answer says how to go on', async () => {
    await register('roof');
    const { status, body } = await daemon.api.call<Failure>('POST', PROTOCOLS, manifest('roof'));
    assert.equal(status, 409);
    assert.match(body.hint ?? '', /POST \/device\/v1\/protocols\/roof\/token for a new token/);
    const bundled = await daemon.api.call<Failure>('POST', PROTOCOLS, manifest('http'));
    assert.equal(bundled.status, 409);
    assert.equal((await daemon.api.call('POST', `${PROTOCOLS}/http/token`)).status, 409);
    assert.equal((await daemon.api.call('DELETE', `${PROTOCOLS}/http`)).status, 403);
  });

  it('with a broken manifest is refused, every problem named', async () => {
    const broken = manifest('Roof!', { name: '', contract: 'one', runtime: {}, actions: { pair: {} } });
    const { status, body } = await daemon.api.call<Failure>('POST', PROTOCOLS, broken);
    assert.equal(status, 400);
    assert.deepEqual(body.errors?.map(({ field }) => field).sort(), [
      'actions.pair',
      'contract',
      'id',
      'name',
      'slug',
    ]);
    const odd = manifest('roof', {
      contract: 7,
      preinstalled: true,
      types: { file: 'types.json' },
      parameters: { type: 'nonsense' },
      actions: { blink: { parameters: { required: 'times' } } },
    });
    const whole = await daemon.api.call<Failure>('POST', PROTOCOLS, odd);
    assert.deepEqual(whole.body.errors?.map(({ field }) => field).sort(), [
      'actions.blink.parameters',
      'contract',
      'parameters',
      'preinstalled',
      'types',
    ]);
    assert.equal((await daemon.api.call('POST', PROTOCOLS)).status, 400);
    assert.deepEqual(readdirSync(folder.path).includes('addons'), false);
  });

  it('that needs parameters is given its token when it is installed with them', async () => {
    const parameters = { type: 'object', required: ['host'], properties: { host: { type: 'string' } } };
    const registered = await register('roof', { parameters });
    assert.deepEqual([registered.status, registered.token], ['notInstalled', undefined]);
    const body = { parameters: { host: 'a' } };
    const installed = await daemon.api.send<Login>('POST', `${PROTOCOLS}/roof/installation`, body);
    connect(installed);
    await becomes('roof', 'running');
  });

  it('is removed with its login; with devices only by force', async () => {
    const login = await register('roof');
    const client = connect(login);
    await becomes('roof', 'running');
    const device = { name: 'roof', type: 'type-roof' };
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', device);
    const kept = await daemon.api.call<Failure>('DELETE', `${PROTOCOLS}/roof`);
    assert.equal(kept.status, 409);
    assert.match(kept.body.hint ?? '', /force=true/);
    assert.equal((await daemon.api.call('DELETE', `${PROTOCOLS}/roof?force=yes`)).status, 400);
    await daemon.api.send('DELETE', `${PROTOCOLS}/roof?force=true`);
    await until('it is cut', () => !client.connected);
    assert.equal((await daemon.api.call('GET', `${PROTOCOLS}/roof`)).status, 404);
    assert.equal((await daemon.api.call('GET', `/device/v1/devices/${id}`)).status, 200);
    await refused(login);
    const again = await register('roof');
    connect(again);
    await becomes('roof', 'running');
  });

  it('with a process runtime must have its files in its own folder first', async () => {
    const wanted = manifest('box', { runtime: { process: { entry: 'main.mjs' } } });
    const { status, body } = await daemon.api.call<Failure>('POST', PROTOCOLS, wanted);
    assert.deepEqual([status, body.errors?.[0]?.field], [400, 'runtime.process.entry']);
    assert.match(body.hint ?? '', /put the add-on's files into .*addons\/box/);
    const outside = manifest('box', { runtime: { process: { entry: '../../main.mjs' } } });
    assert.equal((await daemon.api.call('POST', PROTOCOLS, outside)).status, 400);
  });

  it('may be made of mosquitto_sub and mosquitto_pub', async function () {
    const reason = reasonToSkip('mosquitto');
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    const { brokerUrl, addon, token } = await register('shell');
    const port = new URL(brokerUrl).port;
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'shell',
      type: 'type-shell',
    });
    const login = [
      '-h',
      '127.0.0.1',
      '-p',
      port,
      '-i',
      addon,
      '-u',
      addon,
      '-P',
      token,
      '-q',
      '1',
      '-V',
      'mqttv311',
    ];
    const run = async (command: string, ...rest: string[]): Promise<string> => {
      const child = spawn(command, [...login, ...rest], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 20_000,
      });
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk;
      });
      child.stderr.on('data', (chunk: Buffer) => {
        printed += chunk;
      });
      const [code] = await once(child, 'close');
      assert.equal(code, 0, printed);
      return printed;
    };
    const config = await run('mosquitto_sub', '-C', '1', '-W', '15', '-t', `gate/addons/${addon}/config`);
    assert.deepEqual(
      (JSON.parse(config) as { devices: { id: string }[] }).devices.map((each) => each.id),
      [id],
    );
    const state = JSON.stringify({ state: 'running', contract: 1, version: '1' });
    await run('mosquitto_pub', '-r', '-t', `gate/addons/${addon}/state`, '-m', state);
    await until('it was running', () => daemon.log.some(({ msg }) => msg === 'addon:shell is running'));
    const reading = JSON.stringify({ id: 'one', ts: 1_763_762_400_123, data: { temperature: 21.5 } });
    await run('mosquitto_pub', '-t', `gate/addons/${addon}/devices/${id}/data`, '-m', reading);
    const { data } = await daemon.api.get<{ data: { data: object }[] }>(`/device/v1/devices/${id}/data`);
    assert.deepEqual(
      data.map((each) => each.data),
      [{ temperature: 21.5 }],
    );
    await assert.rejects(run('mosquitto_pub', '-t', 'gate/addons/shell/state', '-m', 'x', '-P', 'wrong'));
  });
});
