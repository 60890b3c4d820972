/** What is done to one tunnel: bursts, a lossy network with an outage, a server that is killed, what comes in. */
import { SERVICE } from '../../addons/knx/src/wire/ip-frame.ts';
import { Knxd } from '../../test/support/knxd.ts';
import { UdpRelay } from '../../test/support/udp-relay.ts';
import { until } from '../../test/support/until.ts';
import {
  type BusClient,
  busClient,
  type Delivery,
  deliveryOf,
  writeNumber,
  writeSteadily,
} from './knx-client.ts';

const WAVE = 2_500;
export const LOSS = 0.02;
export const OUTAGE_MS = 5_000;
export const DOWN_MS = 4_000;
const EVERY_MS = 100;
/** What a telegram that has reached knxd may take to both its sides. */
const SETTLE_MS = 500;

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

export async function burst(total: number): Promise<{ delivery: Delivery; perSecond: number }> {
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

export async function lossAndOutage(total: number): Promise<Delivery> {
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

export interface KilledRun {
  delivery: Delivery;
  /** From the start of the new knxd until the tunnel is up, the start and what knxtool takes to listen included. */
  backMs: number;
}

/** `knxtool` dies with knxd, so nothing passes to the new one until another `knxtool` listens: that time counts. */
export async function killed(total: number): Promise<KilledRun> {
  return withKnxd(async (knxd, connect) => {
    const relay = new UdpRelay(knxd.port);
    try {
      const client = await connect(await relay.start(), true);
      const heard = await knxd.listen();
      const confirmed = { count: 0 };
      const written = writeSteadily(client, total, EVERY_MS, () => {
        confirmed.count += 1;
      });
      await later(1_000);
      // what is on its way from knxd to knxtool would be lost with them, and not counted; what has reached knxd is let
      // through to its end, for knxd holds up everybody while one client does not acknowledge
      relay.loses = (bytes, direction) =>
        direction === 'toServer' && bytes.readUInt16BE(2) === SERVICE.tunnellingRequest;
      await later(SETTLE_MS);
      await until('knxtool has told all', () => deliveryOf(heard, total).delivered >= confirmed.count);
      await knxd.kill();
      relay.loses = () => true;
      await later(DOWN_MS);
      const startedMs = performance.now();
      await knxd.start();
      const again = await knxd.listen();
      relay.loses = () => false;
      await until('the tunnel is up again', () => client.upsMs.length > 1);
      const backMs = Math.max(0, (client.upsMs.at(-1) ?? 0) - startedMs);
      await written;
      const all = () => deliveryOf([...heard, ...again], total);
      await until('all are heard', () => all().delivered === total).catch(() => undefined);
      return { delivery: all(), backMs };
    } finally {
      relay.stop();
    }
  });
}

export async function inbound(total: number): Promise<number> {
  return withKnxd(async (knxd, connect) => {
    const hearing = await connect(knxd.port);
    const speaking = await connect(knxd.port);
    await writeSteadily(speaking, total, 10);
    await until('all are here', () => hearing.received.length >= total, 5_000).catch(() => undefined);
    return hearing.received.length;
  });
}
