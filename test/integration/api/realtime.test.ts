import assert from 'node:assert/strict';
import { once } from 'node:events';
import { OUTGOING_MAX_BYTES } from '../../../src/api/sockets/outgoing.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE, PROJECT_ID } from './support/api-under-test.ts';
import {
  type Client,
  type ClientOptions,
  connectClient,
  connectDeaf,
  GENERATIONS,
  type Generation,
  TRANSPORTS,
} from './support/realtime-clients.ts';

const TS = Date.parse('2020-05-20T12:19:44.395Z');
const ISO = '2020-05-20T12:19:44.395Z';
const PAYLOAD = { temperature: 30.82 };

describe('the socket events', () => {
  let gate: ApiUnderTest;
  let a: string;
  let b: string;
  const clients: Client[] = [];

  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
    ({ id: a } = await gate.devices.create({ name: 'a', isVirtual: true }));
    ({ id: b } = await gate.devices.create({ name: 'b', isVirtual: true }));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await gate.stop();
  });

  const everything = () => [
    ...['data', 'status', 'availability', 'discovering', 'paired', 'not_paired'],
    ...[a, b].flatMap((id) => [id, `data_${id}`, `status_${id}`]),
  ];
  const connect = async (generation: Generation, options?: ClientOptions) => {
    const client = await connectClient(gate, generation, everything(), options);
    clients.push(client);
    return client;
  };
  const reading = (deviceId: string) => gate.record(deviceId, [{ ts: TS, data: PAYLOAD }]);
  const answer = (deviceId: string) =>
    gate.events.emit('deviceAnswered', { deviceId, payload: PAYLOAD, ts: TS });
  const received = ({ received }: Client) => Object.fromEntries(received);

  for (const generation of GENERATIONS) {
    for (const transports of TRANSPORTS) {
      it(`tell a ${generation} client over ${transports.join(', then ')} of a reading in the documented shapes`, async () => {
        const client = await connect(generation, { transports });
        const last = client.next(a);
        await reading(a);
        await last;
        assert.deepEqual(received(client), {
          data: [{ deviceId: a, payload: PAYLOAD, ts: ISO }],
          [`data_${a}`]: [PAYLOAD],
          [a]: [{ action: 'data', payload: PAYLOAD, ts: ISO }],
        });
      });
    }

    it(`spare a ${generation} client the events called by a device’s id where it declines them, and no other`, async () => {
      const query = { perDevice: 'false' };
      const [spared, whole] = [await connect(generation, { query }), await connect(generation)];
      const [first, last] = [spared.next('data'), whole.next(a)];
      await reading(a);
      await Promise.all([first, last]);
      whole.close();
      const status = spared.next('status');
      await reading(a);
      answer(a);
      await status;
      assert.deepEqual([...spared.received.keys()].sort(), ['data', 'status']);
      assert.equal(spared.received.get('data')?.length, 2);
    });

    it(`tell a ${generation} client of a status in the documented shapes`, async () => {
      const client = await connect(generation);
      const last = client.next(a);
      answer(a);
      await last;
      assert.deepEqual(received(client), {
        status: [{ deviceId: a, payload: PAYLOAD, ts: ISO }],
        [`status_${a}`]: [PAYLOAD],
        [a]: [{ action: 'status', payload: PAYLOAD, ts: ISO }],
      });
    });

    it(`tell a ${generation} client whether a device answers`, async () => {
      const client = await connect(generation);
      const last = client.next(a);
      gate.devices.reportAvailability('virtual', a, { online: false, reason: 'asleep' });
      await last;
      const [told] = client.received.get('availability') as [JsonObject];
      const { ts, ...rest } = told;
      assert.deepEqual(rest, { deviceId: a, online: false, reason: 'asleep' });
      assert.match(String(ts), /^\d{4}-.*Z$/);
      assert.deepEqual(client.received.get(a), [
        { action: 'availability', payload: { online: false, reason: 'asleep' }, ts },
      ]);
    });

    it(`tell a ${generation} client of a pairing as the cloud's events do`, async () => {
      const client = await connect(generation);
      const device = await gate.devices.create({
        name: 'plug',
        type: HTTP_TYPE,
        parameters: { hostname: 'h' },
      });
      gate.link.answer = () => Promise.reject(new Error('no such host'));
      const ended = client.next('not_paired');
      await gate.pairing.pair(device.id);
      await ended;
      const common = {
        projectId: PROJECT_ID,
        ts: device.ts,
        parentDevice: GATEWAY_ID,
        id: device.id,
        env: 'live',
        isGateway: false,
        name: 'plug',
        type: HTTP_TYPE,
      };
      assert.deepEqual(client.received.get('discovering'), [
        { ...common, status: { eventType: 'discovering' } },
      ]);
      const reason = { code: 'internal', message: 'no such host' };
      const status = { eventType: 'not_paired', reason };
      assert.deepEqual(client.received.get('not_paired'), [{ ...common, status }]);
    });

    it(`can be narrowed by a ${generation} client to devices`, async () => {
      const client = await connect(generation, { query: { devices: `${b},other` } });
      const last = client.next(`status_${b}`);
      await reading(a);
      await reading(b);
      answer(a);
      answer(b);
      await last;
      assert.deepEqual(client.received.get('data'), [{ deviceId: b, payload: PAYLOAD, ts: ISO }]);
      assert.equal(client.received.has(`data_${a}`), false);
      assert.equal(client.received.has(a), false);
    });

    it(`can be narrowed by a ${generation} client to kinds of events`, async () => {
      const client = await connect(generation, { query: { events: 'status' } });
      const last = client.next(a);
      await reading(a);
      answer(a);
      await last;
      assert.deepEqual([...client.received.keys()].sort(), ['status', `status_${a}`, a].sort());
    });

    it(`refuse a ${generation} client that asks for a kind there is not`, async () => {
      await assert.rejects(
        connect(generation, { query: { events: 'data,colours' } }),
        /"events" may name data/,
      );
    });

    it(`end when the gateway stops, for a ${generation} client too`, async () => {
      const client = await connect(generation);
      await gate.api.stop();
      await client.disconnected;
    });
  }

  it('come in the order in which they happened, none missing', async () => {
    const client = await connect('4.x');
    const count = 5_000;
    const last = client.next(`status_${a}`);
    await gate.record(
      a,
      Array.from({ length: count }, (_, n) => ({ ts: TS, data: { n } })),
    );
    answer(a);
    await last;
    const numbers = client.received.get(`data_${a}`)?.map((payload) => (payload as JsonObject)['n']);
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, n) => n),
    );
  });

  it('reach a client that comes through the socket', async () => {
    const opened = await gate.callLocally<string>('/socket.io/?EIO=4&transport=polling');
    assert.equal(opened.status, 200);
    assert.match(opened.body, /^0\{"sid":/);
  });

  it('cut a client that takes nothing, and no other', async () => {
    const healthy = await connect('4.x', { query: { devices: b } });
    const deaf = await connectDeaf(gate);
    const closed = once(deaf, 'close');
    const text = 'x'.repeat(64 * 1024);
    // three events a reading, and what the kernel itself holds
    const enough = Math.ceil((8 * OUTGOING_MAX_BYTES) / text.length);
    for (let n = 0; n < enough && gate.api.slowClients === 0; n += 1) {
      await gate.record(a, [{ ts: TS + n, data: { text } }]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(gate.api.slowClients, 1);
    assert.match(gate.log, /does not keep up/);
    deaf.resume();
    await closed;
    const told = healthy.next(`data_${b}`);
    await reading(b);
    await told;
    assert.equal(gate.api.slowClients, 1);
  });
});

describe('who may hear the socket events', () => {
  let gate: ApiUnderTest;
  afterEach(() => gate.stop());

  for (const generation of GENERATIONS) {
    for (const transports of TRANSPORTS) {
      it(`refuses an anonymous ${generation} client under none over ${transports.join(', then ')}`, async () => {
        gate = await ApiUnderTest.start({ anonymous: 'none' });
        await assert.rejects(
          connectClient(gate, generation, [], { transports }),
          /ON_PREMISE_ANONYMOUS is "none"/,
        );
      });
    }
  }

  it('refuses a page of a foreign origin, and a name that is not the gateway', async () => {
    gate = await ApiUnderTest.start();
    for (const headers of [{ Origin: 'http://attacker.example' }, { Host: 'attacker.example' }]) {
      const { status, body } = await gate.call('/socket.io/?EIO=4&transport=polling', { headers });
      assert.equal(status, 403);
      assert.match(String(body['message']), /origin|Host/);
    }
  });
});
