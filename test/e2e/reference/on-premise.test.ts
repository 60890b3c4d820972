/**
 * The published API document, its on-premise part: the printed requests and programs against the running daemon, and
 * each event compared with the printed JSON, for clients of both generations. Without a token, as they are printed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { io as io4 } from 'socket.io-client';
import io2 from 'socket.io-client-2';
import { WebSocket } from 'ws';
import { assertShape } from '../../support/shape.ts';
import { until } from '../../support/until.ts';
import { House } from './support/house.ts';
import {
  BARE_PAYLOAD,
  DATA_EVENT,
  DEVICE_EVENT,
  LOG_PAYLOAD,
  PAIRING_PAYLOAD,
  READING_PAGE,
  STATUS_RESPONSE,
} from './support/printed.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** The documented payload is what the device sent: its inside is each device's own. */
const OPAQUE = { opaque: ['payload'] };

/** "OP: Connect to websocket" */
const PROGRAM = `const io = require('socket.io-client');
const socket = io('http://localhost:1234');

socket.on('connect', function (socket) {
  console.log('Connected!');
});`;

/** What both generations of clients can do alike. */
interface AnySocket {
  on(event: string, listener: (fact: never) => void): unknown;
  disconnect(): unknown;
}

describe('the API document, on the premises', () => {
  let house: House;
  let plug: string;
  let documented: string;
  const sockets: AnySocket[] = [];
  before(async () => {
    house = await House.open();
    plug = await house.addPlug(1);
    documented = await house.addDocumented();
  });
  after(async () => {
    for (const socket of sockets) socket.disconnect();
    await house?.close();
  });

  it('OP: Get data for a specific device', async () => {
    const page = await until('the plug has sent something', async () => {
      const answer = await house.curl(
        'curl "http://YourGatewayIpAddress:PORT/device/v1/devices/:deviceId/data?page=1&perPage=1&sort=-ts"',
        { ':deviceId': plug },
      );
      assert.equal(answer.status, 200);
      const found = answer.body as typeof READING_PAGE;
      return found.totalItems > 0 && found;
    });
    // the printed device is of the kind that the simulated one is: the whole reading has its shape
    assertShape(READING_PAGE, page);
    assert.equal(page.data.length, 1);
    assert.equal(page.data[0]?.deviceId, plug);
  });

  for (const [generation, module] of [
    ['4.x', 'socket.io-client'],
    ['2.x', 'socket.io-client-2'],
  ]) {
    it(`OP: Connect to websocket: the printed program, with a client of version ${generation}`, async () => {
      const program = PROGRAM.replace('http://localhost:1234', house.daemon.url).replace(
        "'socket.io-client'",
        `'${module}'`,
      );
      const child = spawn(process.execPath, ['--input-type=commonjs', '-e', program], { cwd: ROOT });
      let printed = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          printed += chunk;
        });
      }
      const ended = new Promise((done) => child.once('close', done));
      try {
        await until('it is connected', () => printed === 'Connected!\n');
      } finally {
        child.kill();
        await ended;
      }
    });
  }

  it('OP: Connect to websocket: as wscat does it', async () => {
    // wscat -c 'ws://localhost:1234/socket.io/?EIO=3&transport=websocket'
    const printed = 'ws://localhost:1234/socket.io/?EIO=3&transport=websocket';
    const { host } = new URL(house.daemon.url);
    const socket = new WebSocket(printed.replace('localhost:1234', host));
    const packets: string[] = [];
    socket.on('message', (packet: Buffer) => packets.push(packet.toString()));
    await until('a reading has come', () => packets.some((packet) => packet.startsWith('42["data"')));
    socket.close();
    // Engine.IO 3: open (0), then socket.io's connect (40)
    assert.match(String(packets[0]), /^0\{"sid":/);
    assert.equal(packets[1], '40');
    const [event, payload] = JSON.parse(
      packets.find((packet) => packet.startsWith('42["data"'))?.slice(2) ?? '[]',
    );
    assert.equal(event, 'data');
    assertShape(DATA_EVENT, payload, OPAQUE);
  });

  for (const [generation, connect] of [
    ['4.x', io4],
    ['2.x', io2],
  ] as const) {
    describe(`the events, for a client of version ${generation}`, () => {
      let heard: Map<string, unknown[]>;
      const listen = async (...events: string[]) => {
        heard = new Map();
        const socket: AnySocket = connect(house.daemon.url, { forceNew: true, transports: ['websocket'] });
        sockets.push(socket);
        for (const event of events) {
          socket.on(event, (fact) => heard.set(event, [...(heard.get(event) ?? []), fact]));
        }
        await new Promise<void>((done) => socket.on('connect', () => done()));
      };
      const first = (event: string) => until(`"${event}" has come`, () => heard.get(event)?.[0]);

      it('OP: data, OP: data_deviceId, OP: deviceId', async () => {
        await listen('data', `data_${plug}`, plug);
        const data = (await first('data')) as typeof DATA_EVENT;
        assertShape(DATA_EVENT, data, OPAQUE);
        const bare = await first(`data_${plug}`);
        const whole = await first(plug);
        assertShape(DEVICE_EVENT, whole, OPAQUE);
        assert.equal((whole as typeof DEVICE_EVENT).action, 'data');
        // what the device measured lies in the wrapper of HTTP devices, as in the printed REST answer
        const measured = (payload: unknown) => (payload as { message: { data: object } }).message.data;
        for (const payload of [data.payload, bare, (whole as typeof DEVICE_EVENT).payload]) {
          assertShape(BARE_PAYLOAD, measured(payload));
        }
      });

      it('OP: status, OP: status_deviceId, OP: deviceId', async () => {
        await listen('status', `status_${plug}`, plug);
        const headers = `-H "instathings-path: /status" -H "instathings-method: GET"`;
        await house.curl(
          `curl -XPOST -H 'Authorization: Bearer abc.def.ghi' ${headers} 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/status'`,
          { ':deviceId': plug },
        );
        const status = (await first('status')) as typeof DATA_EVENT;
        assertShape(DATA_EVENT, status, OPAQUE);
        assert.equal(status.deviceId, plug);
        assertShape(STATUS_RESPONSE, status.payload);
        assert.deepEqual(await first(`status_${plug}`), status.payload);
        const told = await until('it is told under the device too', () =>
          (heard.get(plug) as (typeof DEVICE_EVENT)[] | undefined)?.find(({ action }) => action === 'status'),
        );
        assertShape(DEVICE_EVENT, told, OPAQUE);
        assert.deepEqual(told.payload, status.payload);
      });

      it('discovering, paired', async () => {
        await listen('discovering', 'paired');
        const pair = `/device/v1/devices/${documented}/pair`;
        await house.daemon.api.send('POST', pair);
        for (const event of ['discovering', 'paired']) {
          const payload = await first(event);
          assertShape(PAIRING_PAYLOAD, payload);
          assert.equal((payload as typeof PAIRING_PAYLOAD).status.eventType, event);
        }
      });

      it('not_paired', async () => {
        await listen('not_paired');
        await house.addDeviceThatIsAway();
        const payload = await first('not_paired');
        assertShape(PAIRING_PAYLOAD, payload);
        assert.equal((payload as typeof PAIRING_PAYLOAD).status.eventType, 'not_paired');
      });

      it('log', async () => {
        heard = new Map();
        const query = { access_token: house.token, events: 'log' };
        const socket: AnySocket = connect(house.daemon.url, {
          forceNew: true,
          transports: ['websocket'],
          query,
        });
        sockets.push(socket);
        socket.on('log', (fact) => heard.set('log', [...(heard.get('log') ?? []), fact]));
        await new Promise<void>((done) => socket.on('connect', () => done()));
        // the add-on writes a line; what was written in the last 5 s is told
        await house.daemon.api.send('POST', `/device/v1/control/${documented}/set`, { state: 'TOGGLE' });
        assertShape(LOG_PAYLOAD, await first('log'));
      });
    });
  }
});
