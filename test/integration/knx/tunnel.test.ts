/** Tunnelling against knxd, with knxtool as the other side of the bus and a relay as the network between. */
import assert from 'node:assert/strict';
import { type AddonError, systemClock } from '@gate/addon-sdk';
import { Bus } from '../../../addons/knx/src/link/bus.ts';
import type { OpenChannel } from '../../../addons/knx/src/link/frame-channel.ts';
import { TunnelConnector } from '../../../addons/knx/src/link/tunnel-connector.ts';
import { openUdpChannel, udpChannels } from '../../../addons/knx/src/link/udp-channel.ts';
import { formatGroupAddress } from '../../../addons/knx/src/wire/address.ts';
import type { GroupTelegram } from '../../../addons/knx/src/wire/cemi.ts';
import { SERVICE } from '../../../addons/knx/src/wire/ip-frame.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { type HeardTelegram, Knxd } from '../../support/knxd.ts';
import { UdpRelay } from '../../support/udp-relay.ts';
import { until } from '../../support/until.ts';

interface Client {
  bus: Bus;
  telegrams: GroupTelegram[];
  downs: AddonError[];
  ups: number;
}

describe('a KNX tunnel', function () {
  this.timeout(60_000);
  let knxd: Knxd;
  let clients: Client[];
  let relays: UdpRelay[];

  before(function () {
    const reason = reasonToSkip('knxd');
    if (reason) this.skip();
  });

  beforeEach(() => {
    clients = [];
    relays = [];
  });

  afterEach(async () => {
    for (const { bus } of clients) await bus.stop();
    for (const relay of relays) relay.stop();
    await knxd.stop();
  });

  function client(
    port: number,
    { routeBack = false, open = openUdpChannel }: { routeBack?: boolean; open?: OpenChannel } = {},
  ): Client {
    const server = { host: '127.0.0.1', port };
    const telegrams: GroupTelegram[] = [];
    const downs: AddonError[] = [];
    const bus = new Bus({
      connector: new TunnelConnector({ open, server, routeBack, clock: systemClock }),
      clock: systemClock,
      random: Math.random,
      onTelegram: (telegram) => telegrams.push(telegram),
      onUp: () => {
        it.ups += 1;
      },
      onDown: (reason) => downs.push(reason),
    });
    const it = { bus, telegrams, downs, ups: 0 };
    clients.push(it);
    bus.start();
    return it;
  }

  async function relayed(): Promise<{ relay: UdpRelay; it: Client }> {
    const relay = new UdpRelay(knxd.port);
    relays.push(relay);
    return { relay, it: client(await relay.start(), { routeBack: true }) };
  }

  /** A telegram whose value is its number. */
  const write = ({ bus }: Client, number: number, destination = 2_000) =>
    bus.send(
      {
        service: 'write',
        destination,
        value: { short: false, bytes: Buffer.of(number >> 8, number & 255) },
      },
      { signal: AbortSignal.timeout(20_000) },
    );
  const numbersIn = (heard: HeardTelegram[]) =>
    heard
      .filter(({ destination }) => destination === formatGroupAddress(2_000))
      .map(({ value }) => Number.parseInt(value, 16));
  const isUp = (it: Client) => until('the tunnel is up', () => it.ups > 0);

  it('takes a burst of 1,000 writes to the bus, all of them, once and in order', async () => {
    knxd = await Knxd.start();
    const it = client(knxd.port);
    const heard = await knxd.listen();
    await Promise.all(Array.from({ length: 1_000 }, (_, number) => write(it, number)));
    await until('the bus has heard all', () => numbersIn(heard).length >= 1_000);
    assert.deepEqual(
      numbersIn(heard),
      Array.from({ length: 1_000 }, (_, number) => number),
    );
  });

  it('hears what others write, read and answer, once each', async () => {
    knxd = await Knxd.start();
    const it = client(knxd.port);
    await isUp(it);
    await knxd.write('1/0/1', '0c33');
    await knxd.write('1/0/2', 1);
    await knxd.read('1/0/2');
    await knxd.respond('1/0/2', 1);
    await until('four telegrams', () => it.telegrams.length >= 4);
    const seen = it.telegrams.map(({ service, destination, value }) => [
      service,
      formatGroupAddress(destination),
      value.short,
      value.bytes.toString('hex'),
    ]);
    assert.deepEqual(seen, [
      ['write', '1/0/1', false, '0c33'],
      ['write', '1/0/2', true, '01'],
      ['read', '1/0/2', true, '00'],
      ['response', '1/0/2', true, '01'],
    ]);
  });

  it('hears a storm of 1,000 telegrams, each once and in order, and still sends', async () => {
    knxd = await Knxd.start();
    const it = client(knxd.port);
    const stormy = client(knxd.port);
    await isUp(it);
    await isUp(stormy);
    const numbers = Array.from({ length: 1_000 }, (_, number) => number);
    const storm = Promise.all(numbers.map((number) => write(stormy, number)));
    await write(it, 0, 3_000);
    await storm;
    await until('all are here', () => it.telegrams.length >= numbers.length);
    assert.deepEqual(
      it.telegrams.map(({ value }) => value.bytes.readUInt16BE()),
      numbers,
    );
    assert.deepEqual([...it.downs, ...stormy.downs], []);
  });

  it('delivers every write, in order, through a lossy network and an outage of 5 s', async () => {
    knxd = await Knxd.start();
    const { relay, it } = await relayed();
    await isUp(it);
    const heard = await knxd.listen();
    let seed = 7;
    const lossy = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31 < 0.05;
    };
    relay.loses = lossy;
    const writes: Promise<void>[] = [];
    const numbers = Array.from({ length: 60 }, (_, number) => number);
    const timer = setInterval(() => {
      const number = writes.length;
      if (number < numbers.length) writes.push(write(it, number));
    }, 100);
    try {
      await until('a dozen are out', () => numbersIn(heard).length > 12);
      relay.loses = () => true;
      const cutMs = performance.now();
      await until('5 s have passed', () => performance.now() - cutMs > 5_000);
      relay.loses = lossy;
      await until('all are written', () => writes.length === numbers.length);
      await Promise.all(writes);
      await until('the bus has heard all', () => new Set(numbersIn(heard)).size === numbers.length);
    } finally {
      clearInterval(timer);
    }
    // one that was under way when the link broke may come twice, at its place
    const arrived = numbersIn(heard);
    assert.deepEqual(
      arrived.filter((number, at) => arrived.indexOf(number) === at),
      numbers,
    );
    assert.ok(arrived.every((number, at) => at === 0 || number >= (arrived[at - 1] as number)));
    assert.ok(it.downs.length >= 1);
  });

  it('comes back by itself after the server was killed, and delivers what was written meanwhile', async () => {
    knxd = await Knxd.start();
    const it = client(knxd.port);
    await isUp(it);
    await write(it, 1);
    await knxd.kill();
    const meanwhile = [write(it, 2), write(it, 3)];
    await until('the loss is noticed', () => it.downs.length > 0);
    assert.match(it.downs[0]?.message ?? '', /does not answer to a telegram/);
    await knxd.start();
    await Promise.all(meanwhile);
    assert.ok(it.ups >= 2);
  });

  it('asks from the address that the box has now, and at the one that the server has now', async () => {
    knxd = await Knxd.start();
    // of a network that the box is in no more, and where nobody is
    const left = '192.0.2.1';
    const own = [left];
    const servers = ['127.0.0.1', left];
    const it = client(knxd.port, {
      open: udpChannels({
        ownTowards: async () => own.shift() ?? '127.0.0.1',
        addressOf: async () => servers.shift() ?? '127.0.0.1',
      }),
    });
    await isUp(it);
    assert.equal(it.downs.length, 2);
    assert.match(it.downs[0]?.message ?? '', /when asked for a tunnel/);
    await write(it, 1);
  });

  it('notices within seconds, without any traffic, that its server is gone', async () => {
    knxd = await Knxd.start();
    const { relay, it } = await relayed();
    await isUp(it);
    relay.loses = () => true;
    await until('it is noticed', () => it.downs.length > 0, 9_000);
    assert.match(it.downs[0]?.message ?? '', /heartbeat/);
    assert.ok(it.downs[0]?.hint);
    relay.loses = () => false;
    await until('it is back', () => it.ups === 2);
  });

  it('leaves no tunnel behind at a server that has only one', async () => {
    knxd = await Knxd.start({ slots: 1 });
    const { relay, it } = await relayed();
    await isUp(it);
    for (const round of [2, 3]) {
      relay.loses = () => true;
      const before = it.downs.length;
      await until('it is noticed', () => it.downs.length > before);
      relay.loses = () => false;
      await until('it has the one tunnel again', () => it.ups === round);
    }
    assert.deepEqual(
      it.downs.filter(({ message }) => message.includes('E_NO_MORE_CONNECTIONS')),
      [],
    );
    await it.bus.stop();
    const next = client(knxd.port);
    await isUp(next);
    assert.deepEqual(next.downs, []);
  });

  it('says that all tunnels are taken, waits, and gets the one that becomes free', async () => {
    knxd = await Knxd.start({ slots: 1 });
    const first = client(knxd.port);
    await isUp(first);
    const second = client(knxd.port);
    await until('it is refused', () => second.downs.length > 0);
    assert.match(second.downs[0]?.message ?? '', /E_NO_MORE_CONNECTIONS/);
    await assert.rejects(
      second.bus.send(
        { service: 'read', destination: 1, value: { short: true, bytes: Buffer.of(0) } },
        { signal: AbortSignal.timeout(50) },
      ),
      { code: 'noLink', message: /E_NO_MORE_CONNECTIONS/ },
    );
    await first.bus.stop();
    await isUp(second);
  });

  it('says so when its server insists on KNX IP Secure', async () => {
    knxd = await Knxd.start();
    const relay = new UdpRelay(knxd.port);
    relays.push(relay);
    // knxd speaks none: its answer is changed on the way to that of a server which insists
    relay.loses = (bytes, direction) => {
      if (direction === 'toClient' && bytes.readUInt16BE(2) === SERVICE.connectResponse) bytes[7] = 0x28;
      return false;
    };
    const it = client(await relay.start(), { routeBack: true });
    await until('it is refused', () => it.downs.length > 0);
    assert.match(it.downs[0]?.message ?? '', /asks for KNX IP Secure, which this add-on does not speak/);
    assert.match(it.downs[0]?.hint ?? '', /plain tunnelling in ETS/);
    assert.equal(it.ups, 0);
  });

  it('acknowledges a telegram whose acknowledgement was lost again, and hands it on once', async () => {
    knxd = await Knxd.start();
    const { relay, it } = await relayed();
    await isUp(it);
    let lost = 0;
    relay.loses = (bytes, direction) => {
      const loses = direction === 'toServer' && bytes.readUInt16BE(2) === SERVICE.tunnellingAck && lost === 0;
      if (loses) lost += 1;
      return loses;
    };
    await knxd.write('1/0/1', '01');
    await knxd.write('1/0/1', '02');
    await until('both are here', () => it.telegrams.length >= 2);
    assert.deepEqual(
      it.telegrams.map(({ value }) => value.bytes[0]),
      [1, 2],
    );
    const repeats = relay.passed.filter(
      ({ service, direction }) => service === SERVICE.tunnellingRequest && direction === 'toClient',
    );
    assert.equal(lost, 1);
    assert.ok(repeats.length >= 3);
    assert.equal(it.ups, 1);
  });

  it('sends a telegram again whose confirmation was lost with the link', async () => {
    knxd = await Knxd.start();
    const { relay, it } = await relayed();
    await isUp(it);
    const heard = await knxd.listen();
    // from the confirmation on nothing comes through
    let cut = false;
    relay.loses = (bytes, direction) => {
      cut ||= direction === 'toClient' && bytes.readUInt16BE(2) === SERVICE.tunnellingRequest;
      return cut;
    };
    const written = write(it, 7);
    await until('the loss is noticed', () => it.downs.length > 0);
    relay.loses = () => false;
    await written;
    await until('the bus has heard it again', () => numbersIn(heard).length === 2);
    assert.deepEqual(numbersIn(heard), [7, 7]);
  });

  it('gives a telegram up at its deadline, and does not send it later', async () => {
    knxd = await Knxd.start();
    const { relay, it } = await relayed();
    await isUp(it);
    const heard = await knxd.listen();
    relay.loses = () => true;
    const late = it.bus.send(
      { service: 'write', destination: 2_000, value: { short: false, bytes: Buffer.of(0, 9) } },
      { signal: AbortSignal.timeout(4_000) },
    );
    await assert.rejects(late, {
      code: 'timeout',
      message: /under way when the link to the KNX bus broke/,
    });
    relay.loses = () => false;
    await until('it is back', () => it.ups === 2);
    await write(it, 10);
    await until('the next one is heard', () => numbersIn(heard).includes(10));
    assert.deepEqual(numbersIn(heard), [10]);
  });
});
