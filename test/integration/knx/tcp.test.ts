/** Tunnelling over TCP, with knxd's bus behind a front that speaks it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type AddonError, systemClock } from '@gate/addon-sdk';
import { Bus } from '../../../addons/knx/src/link/bus.ts';
import { openTcpChannel } from '../../../addons/knx/src/link/tcp-channel.ts';
import { TunnelConnector } from '../../../addons/knx/src/link/tunnel-connector.ts';
import type { GroupTelegram } from '../../../addons/knx/src/wire/cemi.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { KnxTcpFront } from '../../support/knx-tcp-front.ts';
import { Knxd } from '../../support/knxd.ts';
import { TcpRelay } from '../../support/tcp-relay.ts';
import { until } from '../../support/until.ts';

describe('a KNX tunnel over TCP', function () {
  this.timeout(30_000);
  let knxd: Knxd;
  let front: KnxTcpFront;
  let port: number;
  let bus: Bus;
  let ups: number;
  const downs: AddonError[] = [];
  const telegrams: GroupTelegram[] = [];

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    knxd = await Knxd.start();
    front = new KnxTcpFront(knxd.port);
    port = await front.start();
  });

  beforeEach(() => {
    [ups, downs.length, telegrams.length] = [0, 0, 0];
  });

  afterEach(() => bus?.stop());

  after(async () => {
    await front?.stop();
    await knxd?.stop();
  });

  function connect(to: number): void {
    const server = { host: '127.0.0.1', port: to };
    bus = new Bus({
      connector: new TunnelConnector({ open: openTcpChannel, server, routeBack: false, clock: systemClock }),
      clock: systemClock,
      random: Math.random,
      onTelegram: (telegram) => telegrams.push(telegram),
      onUp: () => {
        ups += 1;
      },
      onDown: (reason) => downs.push(reason),
    });
    bus.start();
  }

  it('carries telegrams both ways without acknowledgements', async () => {
    connect(port);
    const heard = await knxd.listen();
    const numbers = Array.from({ length: 300 }, (_, number) => number);
    await Promise.all(
      numbers.map((number) =>
        bus.send({
          service: 'write',
          destination: 1 + number,
          value: { short: false, bytes: Buffer.of(number & 255) },
        }),
      ),
    );
    await until('the bus has heard all', () => heard.length >= numbers.length);
    assert.deepEqual(
      heard.map(({ value }) => Number.parseInt(value, 16)),
      numbers.map((number) => number & 255),
    );
    await knxd.write('1/0/1', '0c33');
    await until('it is here', () => telegrams.some(({ value }) => value.bytes.toString('hex') === '0c33'));
  });

  it('is built again when the connection ends', async () => {
    connect(port);
    await until('it is up', () => ups === 1);
    front.drop();
    await until('it is up again', () => ups === 2);
    assert.match(downs[0]?.message ?? '', /broke: it has ended the connection/);
  });

  it('is built again over a new connection when the one there is has fallen silent', async () => {
    const relay = new TcpRelay(port);
    connect(await relay.start());
    try {
      await until('it is up', () => ups === 1);
      relay.silence();
      await until('it is up again', () => ups === 2);
      assert.match(downs[0]?.message ?? '', /heartbeat/);
    } finally {
      await bus.stop();
      await relay.stop();
    }
  });

  it('says when the server refuses TCP, or speaks something else', async () => {
    // Debian's knxd speaks UDP alone
    connect(knxd.port);
    await until('it is refused', () => downs.length > 0);
    assert.match(downs[0]?.message ?? '', /no TCP connection .*ECONNREFUSED/);
    assert.match(downs[0]?.hint ?? '', /"udp"/);
    await bus.stop();
    downs.length = 0;
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    other.listen(0, '127.0.0.1');
    try {
      await until('it listens', () => other.listening);
      connect((other.address() as { port: number }).port);
      await until('it is noticed', () => downs.length > 0);
      assert.match(downs[0]?.message ?? '', /does not speak KNXnet\/IP/);
    } finally {
      other.close();
    }
  });
});
