import assert from 'node:assert/strict';
import { ApiUnderTest, type ClientOfTest } from './support/api-under-test.ts';
import {
  type Client,
  type ClientOptions,
  connectClient,
  GENERATIONS,
  type Generation,
} from './support/realtime-clients.ts';

const TRANSPORTS = [['websocket'], ['polling']] as const;

describe('socket.io with a token', () => {
  let gate: ApiUnderTest;
  let client: ClientOfTest;
  const clients: Client[] = [];
  const start = async (lifetimeSeconds?: number) => {
    gate = await ApiUnderTest.start({
      anonymous: 'none',
      ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
    });
    client = await gate.clientOf('read');
  };
  afterEach(async () => {
    for (const connected of clients.splice(0)) connected.close();
    await gate.stop();
  });

  const connect = async (generation: Generation, options: ClientOptions) => {
    const connected = await connectClient(gate, generation, [], options);
    clients.push(connected);
    return connected;
  };
  const waysOf = (generation: Generation, token: string): [string, ClientOptions][] => [
    ['access_token in the query', { query: { access_token: token } }],
    ['an Authorization header', { headers: { Authorization: `Bearer ${token}` } }],
    ...(generation === '4.x' ? [['auth.token', { auth: { token } }] as [string, ClientOptions]] : []),
  ];

  for (const generation of GENERATIONS) {
    for (const transports of TRANSPORTS) {
      for (const [way, { headers }] of waysOf(generation, '')) {
        if (headers && generation === '2.x' && transports[0] === 'websocket') continue;

        const optionsWith = (token: string): ClientOptions => ({
          ...waysOf(generation, token).find(([name]) => name === way)?.[1],
          transports,
        });

        it(`lets a ${generation} client in by ${way} over ${transports}`, async () => {
          await start();
          const connected = await connect(generation, optionsWith(client.token));
          const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
          const told = connected.next(`data_${id}`);
          await gate.record(id, [{ ts: 1, data: { a: 1 } }]);
          assert.deepEqual(await told, { a: 1 });
        });

        it(`tells a ${generation} client by ${way} over ${transports} why it is refused`, async () => {
          await start();
          await assert.rejects(connect(generation, optionsWith('non.sen.se')), /token is invalid/);
          gate.aheadMs = 2 * 3_600_000;
          await assert.rejects(connect(generation, optionsWith(client.token)), /token has expired/);
        });
      }
    }

    it(`never takes a ${generation} client with a bad token for an anonymous one`, async () => {
      gate = await ApiUnderTest.start({ anonymous: 'all' });
      await connect(generation, {});
      await assert.rejects(connect(generation, { query: { access_token: 'x' } }), /token is invalid/);
      await assert.rejects(connect(generation, { query: { access_token: '' } }), /token is invalid/);
    });

    for (const transports of TRANSPORTS) {
      it(`ends when the client of a ${generation} socket over ${transports} is removed`, async () => {
        await start();
        const other = await gate.clientOf('read');
        const options = (token: string) => ({ query: { access_token: token }, transports });
        const [cut, kept] = await Promise.all([
          connect(generation, options(client.token)),
          connect(generation, options(other.token)),
        ]);
        await gate.clients.remove(client.clientId);
        await cut.disconnected;
        const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
        const told = kept.next(`data_${id}`);
        await gate.record(id, [{ ts: 1, data: { a: 1 } }]);
        await told;
        await assert.rejects(connect(generation, options(client.token)), /revoked/);
      });
    }

    it(`ends for a ${generation} client when its token expires`, async () => {
      await start(5);
      // the tolerance for clocks is part of a token's life: let all but five seconds of it pass
      gate.aheadMs = 60_000;
      const connected = await connect(generation, { query: { access_token: client.token } });
      await connected.disconnected;
    });
  }

  it('tells a 4.x client the code and the hint of its refusal', async () => {
    await start();
    const refused = await connect('4.x', { auth: { token: 'x' } }).catch((error) => error);
    assert.match(refused.message, /invalid/);
    assert.deepEqual(Object.keys(refused.data), ['code', 'hint']);
    assert.equal(refused.data.code, 'unauthorized');
  });

  it('never writes the token of a handshake into the log', async () => {
    await start();
    await connect('2.x', { query: { access_token: client.token } });
    const wrong = `${client.token}x`;
    await assert.rejects(connect('2.x', { query: { access_token: wrong } }));
    assert.equal(gate.log.includes(client.token), false);
  });
});
