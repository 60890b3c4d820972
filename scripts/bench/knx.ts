/**
 * What a KNX tunnel loses and how fast it is: the add-on's own against knxd on loopback, with `knxtool` as the other side,
 * beside the npm package `knx`.
 */
import { join } from 'node:path';
import { Knxd } from '../../test/support/knxd.ts';
import { UdpRelay } from '../../test/support/udp-relay.ts';
import { until } from '../../test/support/until.ts';
import { installPeers } from '../peers/peers.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import {
  type BusClient,
  busClient,
  type Delivery,
  deliveryOf,
  writeNumber,
  writeSteadily,
} from './knx-client.ts';
import { count, ms } from './units.ts';

const BURST = 1_000;
const WAVE = 2_500;
const LOSS = 0.02;
const OUTAGE_MS = 5_000;
const DOWN_MS = 4_000;
const EVERY_MS = 100;
/** How long `knx` is given for what it still delivers. */
const PACKAGE_MS = 20_000;
const AIM_BACK_MS = 2_000;

const later = (afterMs: number) => new Promise((resolve) => setTimeout(resolve, afterMs));

type Connect = typeof busClient;

/** A knxd of its own for each part, gone afterwards with its clients. */
async function withKnxd<T>(use: (knxd: Knxd, connect: Connect) => Promise<T>): Promise<T> {
  const knxd = await Knxd.start();
  const clients: BusClient[] = [];
  try {
    return await use(knxd, async (...to) => {
      const client = await busClient(...to);
      clients.push(client);
      return client;
    });
  } finally {
    for (const { bus } of clients) await bus.stop();
    await knxd.stop();
  }
}

async function burst(total: number): Promise<{ delivery: Delivery; perSecond: number }> {
  return withKnxd(async (knxd, connect) => {
    const heard = await knxd.listen();
    const client = await connect(knxd.port);
    const beganMs = performance.now();
    // no more at a time than the bus lets wait
    for (let from = 0; from < total; from += WAVE) {
      const wave = Math.min(WAVE, total - from);
      await Promise.all(Array.from({ length: wave }, (_, number) => writeNumber(client, from + number)));
    }
    const perSecond = (total * 1_000) / (performance.now() - beganMs);
    await until('all are heard', () => deliveryOf(heard, total).delivered === total).catch(() => undefined);
    return { delivery: deliveryOf(heard, total), perSecond };
  });
}

async function packageBurst(bench: Bench): Promise<Delivery> {
  return withKnxd(async (knxd) => {
    const heard = await knxd.listen();
    bench.scope.spawn([join(import.meta.dirname, 'knx-package.ts'), String(knxd.port), String(BURST)]);
    await until('all are heard', () => deliveryOf(heard, BURST).delivered === BURST, PACKAGE_MS).catch(
      () => undefined,
    );
    return deliveryOf(heard, BURST);
  });
}

async function lossAndOutage(total: number): Promise<Delivery> {
  return withKnxd(async (knxd, connect) => {
    const relay = new UdpRelay(knxd.port);
    try {
      const client = await connect(await relay.start(), true);
      const heard = await knxd.listen();
      const lossy = () => Math.random() < LOSS;
      relay.loses = lossy;
      const written = writeSteadily(client, total, EVERY_MS);
      await later((total * EVERY_MS) / 3);
      relay.loses = () => true;
      await later(OUTAGE_MS);
      relay.loses = lossy;
      await written;
      await until('all are heard', () => deliveryOf(heard, total).delivered === total);
      return deliveryOf(heard, total);
    } finally {
      relay.stop();
    }
  });
}

/** @returns how long after knxd was started again the tunnel was up, its start included */
async function killed(total: number): Promise<number> {
  return withKnxd(async (knxd, connect) => {
    const client = await connect(knxd.port);
    const written = writeSteadily(client, total, EVERY_MS);
    await later(1_000);
    await knxd.kill();
    await later(DOWN_MS);
    const backMs = performance.now();
    await knxd.start();
    await until('the tunnel is up again', () => client.upsMs.length > 1);
    const tookMs = Math.max(0, (client.upsMs.at(-1) ?? 0) - backMs);
    await written;
    return tookMs;
  });
}

async function inbound(total: number): Promise<number> {
  return withKnxd(async (knxd, connect) => {
    const hearing = await connect(knxd.port);
    const speaking = await connect(knxd.port);
    await writeSteadily(speaking, total, 10);
    await until('all are here', () => hearing.received.length >= total, 5_000).catch(() => undefined);
    return hearing.received.length;
  });
}

async function run(bench: Bench): Promise<Section> {
  const [trouble] = installPeers(['knxd']);
  if (trouble) throw new Error(trouble);
  bench.say('a burst');
  const ours = await burst(BURST);
  bench.say('the same through the package knx');
  const theirs = await packageBurst(bench);
  bench.say('throughput');
  const total = bench.short ? 5_000 : 50_000;
  const fast = await burst(total);
  bench.say(`${LOSS * 100} % loss and an outage`);
  const steady = bench.short ? 100 : 300;
  const through = await lossAndOutage(steady);
  bench.say('knxd killed');
  const backMs = await killed(100);
  bench.say('inbound');
  const inboundTotal = bench.short ? 500 : 3_000;
  const received = await inbound(inboundTotal);
  const whole = ({ delivered, inOrder }: Delivery, of: number) => delivered === of && inOrder;
  if (!whole(ours.delivery, BURST) || !whole(through, steady) || received !== inboundTotal) {
    throw new Error(`telegrams were lost: ${JSON.stringify({ ours, through, received })}`);
  }
  return {
    title: 'KNX: what a tunnel delivers',
    aims: [
      {
        what: `of a burst of ${count(BURST)} writes, delivered`,
        aim: count(BURST),
        measured: count(ours.delivery.delivered),
        met: whole(ours.delivery, BURST),
      },
      {
        what: `at 10 writes/s with ${LOSS * 100} % loss each way and ${OUTAGE_MS / 1_000} s of outage, delivered in order`,
        aim: count(steady),
        measured: count(through.delivered),
        met: whole(through, steady),
      },
      {
        what: `knxd killed for ${DOWN_MS / 1_000} s under 10 writes/s: the tunnel is up after it is started again`,
        aim: `≤ ${ms(AIM_BACK_MS)}`,
        measured: ms(backMs),
        met: backMs <= AIM_BACK_MS,
      },
      {
        what: `of ${count(inboundTotal)} telegrams at 100/s, received`,
        aim: count(inboundTotal),
        measured: count(received),
        met: received === inboundTotal,
      },
    ],
    tables: [
      {
        title: 'Writes',
        rows: [
          ['', 'delivered', 'twice', 'telegrams/s'],
          [
            `burst of ${count(BURST)}`,
            count(ours.delivery.delivered),
            count(ours.delivery.repeated),
            count(ours.perSecond),
          ],
          [
            `burst of ${count(BURST)} through the package knx 2.5.4`,
            count(theirs.delivered),
            count(theirs.repeated),
            '',
          ],
          [
            `burst of ${count(total)}`,
            count(fast.delivery.delivered),
            count(fast.delivery.repeated),
            count(fast.perSecond),
          ],
          [`loss and outage, ${count(steady)} writes`, count(through.delivered), count(through.repeated), ''],
        ],
      },
    ],
    notes: ['A telegram that was under way when the link broke is sent again: that is what “twice” counts.'],
    how: [
      'The add-on’s bus (`addons/knx/src/link`) in the benchmark’s own process, one tunnel over UDP; `knxtool groupsocketlisten` on the other side counts what the bus has heard. A write counts for the rate when the bus has confirmed it.',
      'Loss and outage are made by a UDP relay between client and knxd.',
    ],
  };
}

export const knx: Benchmark = { name: 'knx', run };
