import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '@gate/addon-sdk';
import { MqttSession, type MqttSessionOptions } from '../../../addons/sdk/src/mqtt-session.ts';
import { ManualClock, until } from './manual-clock.ts';
import { TestBroker } from './test-broker.ts';

const CONNACK = Buffer.from([0x20, 2, 0, 0]);

describe('the MQTT session of an add-on', () => {
  let broker: TestBroker;
  let session: MqttSession | undefined;
  let server: Server | undefined;
  let facts: string[];
  const peers = new Set<Socket>();

  beforeEach(async () => {
    facts = [];
    broker = new TestBroker();
    await broker.start();
  });

  afterEach(async () => {
    await session?.stop();
    await broker.stop();
    for (const peer of peers) peer.destroy();
    server?.close();
    session = undefined;
    server = undefined;
  });

  function startSession(options: Partial<MqttSessionOptions> = {}): MqttSession {
    session = new MqttSession({
      broker: { host: '127.0.0.1', port: broker.port },
      username: 'demo',
      password: 'secret-token',
      subscriptions: ['gate/addons/demo/config'],
      will: { topic: 'gate/addons/demo/state', payload: '{"state":"stopped"}' },
      clock: systemClock,
      random: () => 0,
      onConnected: () => facts.push('connected'),
      onDisconnected: (reason, refused) => facts.push(`${refused ? 'refused' : 'disconnected'}: ${reason}`),
      onMessage: (topic, payload) => facts.push(`${topic} ${payload}`),
      onAcknowledged: (packetId) => facts.push(`acknowledged ${packetId}`),
      ...options,
    });
    session.start();
    return session;
  }

  /** A peer that takes connections and answers as `onData` says. */
  async function startPeer(onData: (socket: Socket) => void): Promise<{ host: string; port: number }> {
    server = createServer((socket) => {
      peers.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => onData(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  const has = (start: string) => facts.some((fact) => fact.startsWith(start));

  it('logs in, subscribes, and hears what was retained before', async () => {
    await broker.publish('gate/addons/demo/config', 'hello', true);
    startSession();
    await until(() => has('gate/addons/demo/config'));
    assert.deepEqual(facts, ['connected', 'gate/addons/demo/config hello']);
  });

  it('hears a message larger than one packet of TCP', async () => {
    const text = 'ü'.repeat(300_000);
    await broker.publish('gate/addons/demo/config', text, true);
    startSession();
    await until(() => facts.length === 2);
    assert.equal(facts[1], `gate/addons/demo/config ${text}`);
  });

  it('hands over readings and hears of each acknowledgement', async () => {
    const it = startSession({ onConnected: () => send() });
    const payload = '{"text":"größer als ein Paket"}'.padEnd(40_000);
    const send = () => {
      for (let packetId = 1; packetId <= 50; packetId += 1) {
        it.send({ packetId, topic: 'gate/addons/demo/devices/d/data', payload, dup: false });
      }
    };
    await until(() => facts.length === 50);
    assert.equal(broker.published.length, 50);
    assert.ok(broker.published.every((each) => each.payload === payload && each.qos === 1));
  });

  it('says whether a message arrived', async () => {
    const it = startSession();
    assert.equal(await it.publish('gate/addons/demo/events', 'early'), false);
    await until(() => has('connected'));
    assert.equal(await it.publish('gate/addons/demo/events', 'in time'), true);
  });

  it('leaves its will when the connection breaks, and comes back', async () => {
    startSession();
    await until(() => has('connected'));
    broker.cut();
    await until(() => facts.filter((fact) => fact === 'connected').length === 2);
    assert.deepEqual(broker.on('gate/addons/demo/state'), [{ state: 'stopped' }]);
  });

  it('leaves no will when it logs out', async () => {
    const it = startSession();
    await until(() => has('connected'));
    await it.stop();
    await until(() => broker.connected === 0);
    assert.deepEqual(broker.published, []);
  });

  it('comes back when the broker does', async () => {
    startSession();
    await until(() => has('connected'));
    await broker.stop();
    await until(() => facts.filter((fact) => fact.startsWith('disconnected')).length >= 2);
    await broker.start();
    await until(() => facts.filter((fact) => fact === 'connected').length === 2);
  });

  it('tells a refused login from other trouble', async () => {
    startSession({ password: 'wrong' });
    await until(() => has('refused'));
    assert.equal(has('connected'), false);
  });

  it('gives up on a broker that takes the connection and says nothing', async () => {
    const clock = new ManualClock();
    let asked = false;
    const silent = await startPeer(() => {
      asked = true;
    });
    startSession({ broker: silent, clock });
    await until(() => asked);
    await clock.advance(5_000);
    assert.ok(has('disconnected: no answer'));
  });

  it('notices a connection on which nothing comes any more', async () => {
    const clock = new ManualClock();
    const dying = await startPeer((socket) => socket.write(CONNACK));
    startSession({ broker: dying, clock });
    await until(() => has('connected'));
    await clock.advance(7_500);
    assert.ok(has('disconnected: the broker was silent'));
  });

  it('takes garbage for a broken connection', async () => {
    const talker = await startPeer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    startSession({ broker: talker });
    await until(() => has('disconnected'));
    assert.equal(has('connected'), false);
  });

  it('does not take a refused subscription for a working session', async () => {
    const strict = await startPeer((socket) => {
      socket.write(CONNACK);
      socket.write(Buffer.from([0x90, 3, 0xea, 0x61, 0x80]));
    });
    startSession({ broker: strict });
    await until(() => has('disconnected: the broker refused the subscription'));
  });
});
