/**
 * The published API document, its "Websockets API": the printed program against the running daemon, with the address, the
 * project and the token of the daemon in place of those printed, and each message compared with the printed JSON.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { assertShape } from '../../support/shape.ts';
import { until } from '../../support/until.ts';
import { House } from './support/house.ts';
import { LOG_PAYLOAD, PAIRING_PAYLOAD, STATUS_RESPONSE } from './support/printed.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** "Connect to websocket", with its two comments as the lines that they stand for. */
const PROGRAM = `const WebSocket = require('ws');

const token = 'TOKEN';
const projectId = 'PROJECTID';

const ws = new WebSocket(\`wss://wss.instathings.io?project=\${projectId}&access_token=\${token}\`);

ws.on('open', function open() {
  console.log('{"action": "connection is open"}');
});

ws.on('message', function incoming(data) {
  console.log(String(data));
});

ws.on('error', function error(err) {
  console.log(JSON.stringify({ action: err.message }));
});`;

const DATA_PAYLOAD = {
  id: '7dec7c01-949c-4615-9d09-7680e702080e',
  clientId: '3tjVYgQTw',
  principal: '0e8833aadad2ed060965b102ef40fc44c647c1bec9f5a51056beddab0efac57e',
  ts: 1588925769193,
  ttl: 1904285769,
  deviceId: 'f0xqzIBCt',
  data: { data: 81 },
};
const STATUS_PAYLOAD = {
  projectId: 'JtjYANUvs',
  response: STATUS_RESPONSE,
  ttl: 1589640897,
  deviceId: '0_Rs0iIRW',
  id: 'B9z87nrYo',
};
/** Without what only the cloud knows of a connection, and the type of the gateway's hardware. */
const SOFTWARE_VERSION_PAYLOAD = {
  projectId: 'JtjYANUvs',
  ts: 1588863421916,
  stats: { ingestion: 0 },
  version: { gate: 'instathings/gate:1.7.1' },
  certificateId: 'e011d176b499c44e54fcd02143c9bfbf7c866ce7b2c4a2f2e58a21b658697aee',
  status: {
    principalIdentifier: 'e011d176b499c44e54fcd02143c9bfbf7c866ce7b2c4a2f2e58a21b658697aee',
    clientId: '9IHOifUF4',
    eventType: 'connected',
    timestamp: 1588863680486,
  },
  protocols: ['IuYtREd0', 'R2Jh6IhT'],
  env: 'live',
  isGateway: true,
  name: 'gateway',
  subDevices: ['YZOa21Loa'],
  id: '9IHOifUF4',
};

interface Message {
  action: string;
  payload: Record<string, unknown>;
}

describe('the API document, its WebSocket', () => {
  let house: House;
  let plug: string;
  let documented: string;
  const programs: ChildProcess[] = [];
  before(async () => {
    house = await House.open({ ON_PREMISE_ANONYMOUS: 'none', PROJECT_ID: 'JtjYANUvs' });
    plug = await house.addPlug(1);
    documented = await house.addDocumented();
  });
  after(async () => {
    for (const program of programs) program.kill();
    await house?.close();
  });

  /** Runs the printed program. @returns what it prints, as it comes */
  function run(token: string, projectId: string): Message[] {
    const text = PROGRAM.replace('wss://wss.instathings.io', house.daemon.url.replace('http', 'ws'))
      .replace('TOKEN', token)
      .replace('PROJECTID', projectId);
    const program = spawn(process.execPath, ['--input-type=commonjs', '-e', text], { cwd: ROOT });
    programs.push(program);
    const printed: Message[] = [];
    createInterface(program.stdout).on('line', (line) => printed.push(JSON.parse(line)));
    return printed;
  }
  const first = async (
    messages: Message[],
    action: string,
    matches: (payload: Message['payload']) => boolean,
  ) =>
    until(`${action} is told`, () =>
      messages.find((told) => told.action === action && matches(told.payload)),
    );
  const any = () => true;

  it('Connect to websocket: the printed program', async () => {
    const messages = run(house.token, 'JtjYANUvs');
    await first(messages, 'connection is open', any);
    for (const [token, project, status] of [
      ['yourAccessToken', 'JtjYANUvs', 401],
      [house.token, 'yourProjectName', 403],
    ] as const) {
      const refused = run(token, project);
      await first(refused, `Unexpected server response: ${status}`, any);
    }
  });

  it('data', async () => {
    const { payload } = await first(
      run(house.token, 'JtjYANUvs'),
      'data',
      ({ deviceId }) => deviceId === plug,
    );
    assertShape(DATA_PAYLOAD, payload, { opaque: ['data'] });
    assert.equal(payload['clientId'], await house.gatewayId());
  });

  it('status', async () => {
    const messages = run(house.token, 'JtjYANUvs');
    await first(messages, 'connection is open', any);
    const headers = `-H "instathings-path: /status" -H "instathings-method: GET"`;
    await house.curl(
      `curl -XPOST -H 'Authorization: Bearer abc.def.ghi' ${headers} 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/status'`,
      { ':deviceId': plug },
    );
    const { payload } = await first(messages, 'status', any);
    assertShape(STATUS_PAYLOAD, payload);
    assert.equal(payload['deviceId'], plug);
  });

  it('software_version', async () => {
    const { payload } = await first(run(house.token, 'JtjYANUvs'), 'software_version', any);
    assertShape(SOFTWARE_VERSION_PAYLOAD, payload);
  });

  it('discovering, paired', async () => {
    const messages = run(house.token, 'JtjYANUvs');
    await first(messages, 'connection is open', any);
    await house.daemon.api.send('POST', `/device/v1/devices/${documented}/pair`);
    for (const event of ['discovering', 'paired']) {
      const { payload } = await first(messages, event, any);
      assertShape(PAIRING_PAYLOAD, payload);
      assert.deepEqual(payload['status'], { eventType: event });
    }
  });

  it('log', async () => {
    const messages = run(house.token, 'JtjYANUvs');
    await first(messages, 'connection is open', any);
    await house.addDeviceThatIsAway();
    const { payload } = await first(messages, 'log', any);
    assertShape(LOG_PAYLOAD, payload);
  });
});
