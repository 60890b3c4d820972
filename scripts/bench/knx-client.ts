/** The add-on's own bus, alone, as the KNX benchmark drives it; and the other side, which counts what arrives. */
import { systemClock } from '@gate/addon-sdk';
import { Bus } from '../../addons/knx/src/link/bus.ts';
import { TunnelConnector } from '../../addons/knx/src/link/tunnel-connector.ts';
import { openUdpChannel } from '../../addons/knx/src/link/udp-channel.ts';
import { formatGroupAddress } from '../../addons/knx/src/wire/address.ts';
import type { GroupTelegram } from '../../addons/knx/src/wire/cemi.ts';
import type { HeardTelegram } from '../../test/support/knxd.ts';
import { until } from '../../test/support/until.ts';

/** Where numbers are written to. */
export const DESTINATION = 2_000;
const SEND_MS = 60_000;

export interface BusClient {
  bus: Bus;
  received: GroupTelegram[];
  /** When each link came up, by `performance.now()`. */
  upsMs: number[];
}

export async function busClient(port: number, routeBack = false): Promise<BusClient> {
  const server = { host: '127.0.0.1', port };
  const received: GroupTelegram[] = [];
  const upsMs: number[] = [];
  const bus = new Bus({
    connector: new TunnelConnector({ open: openUdpChannel, server, routeBack, clock: systemClock }),
    clock: systemClock,
    random: Math.random,
    onTelegram: (telegram) => received.push(telegram),
    onUp: () => upsMs.push(performance.now()),
    onDown: () => undefined,
  });
  bus.start();
  await until('the tunnel is up', () => upsMs.length > 0);
  return { bus, received, upsMs };
}

/** @throws AddonError when the bus has not confirmed it within a minute */
export function writeNumber({ bus }: BusClient, number: number): Promise<void> {
  const value = { short: false, bytes: Buffer.of(number >> 8, number & 255) };
  const signal = AbortSignal.timeout(SEND_MS);
  return bus.send({ service: 'write', destination: DESTINATION, value }, { signal });
}

/** Writes the numbers from 0 at a steady pace; resolves when all are confirmed. */
export async function writeSteadily(
  client: BusClient,
  total: number,
  everyMs: number,
  onConfirmed: () => void = () => undefined,
): Promise<void> {
  const writes: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const write = writeNumber(client, writes.length).then(onConfirmed);
      // told by Promise.all below, when all have been begun
      write.catch(() => undefined);
      writes.push(write);
      if (writes.length < total) return;
      clearInterval(timer);
      resolve();
    }, everyMs);
  });
  await Promise.all(writes);
}

export interface Delivery {
  delivered: number;
  repeated: number;
  inOrder: boolean;
}

/** Of the numbers from 0 to `total`. */
export function deliveryOf(heard: readonly HeardTelegram[], total: number): Delivery {
  const numbers = heard
    .filter(({ destination }) => destination === formatGroupAddress(DESTINATION))
    .map(({ value }) => Number.parseInt(value, 16))
    .filter((number) => number < total);
  const delivered = new Set(numbers).size;
  const inOrder = numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] as number));
  return { delivered, repeated: numbers.length - delivered, inOrder };
}
