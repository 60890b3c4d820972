/**
 * How long a telegram takes from a device on the bus to a socket.io client: knxd, the add-on as the daemon's child, the
 * daemon with its commit on disk, and the client's decoding lie between.
 */
import { io } from 'socket.io-client';
import { KNX_DEVICE_TYPE } from '../../addons/knx/src/knx-parameters.ts';
import { formatGroupAddress } from '../../addons/knx/src/wire/address.ts';
import { Knxd } from '../../test/support/knxd.ts';
import { until } from '../../test/support/until.ts';
import type { Bench } from './benchmark.ts';
import { busClient, DESTINATION, writeNumber } from './knx-client.ts';

const WARM_UP = 50;
const START_MS = 60_000;

export interface LiveRate {
  perSecond: number;
  /** How long it lasts before times are taken; some telegrams where nothing is said. */
  afterSeconds?: number;
  /** In words. */
  what: string;
}

export interface LiveTimes {
  what: string;
  sent: number;
  /** From the write on the bus to the event, in milliseconds. */
  times: number[];
}

interface Told {
  payload: { value?: number };
}

/** At each of these rates for so many seconds. */
export async function telegramsToClient(
  bench: Bench,
  rates: readonly LiveRate[],
  seconds: number,
): Promise<LiveTimes[]> {
  const knxd = await Knxd.start();
  const device = await busClient(knxd.port);
  const daemon = bench.scope.spawnDaemon(bench.scope.folder(), { ON_PREMISE_ANONYMOUS: 'all' });
  try {
    await until(
      'the daemon is up',
      () => daemon.log.some(({ msg }) => msg.startsWith('gate is up')),
      START_MS,
    );
    const { api } = daemon;
    await api.send('POST', '/device/v1/protocols/knx/installation', {
      parameters: { ip_address: '127.0.0.1', port: knxd.port },
    });
    await until(
      'KNX is running',
      async () => (await api.get<{ state: string }>('/device/v1/protocols/knx')).state === 'running',
      START_MS,
    );
    const group = formatGroupAddress(DESTINATION);
    const parameters = { group_address: group, dpt: '7.001', flags: ['listen'] };
    await api.send('POST', '/device/v1/protocols/knx/devices', {
      devices: [{ key: 'bench', name: 'bench', type: KNX_DEVICE_TYPE, parameters }],
    });
    await until('it is paired', async () => {
      const all = await api.get<{ name: string; status: { eventType: string } }[]>('/device/v1/devices');
      return all.some(({ name, status }) => name === 'bench' && status.eventType === 'paired');
    });
    const socket = io(daemon.url, { query: { events: 'data' } });
    const heardMs = new Map<number, number>();
    socket.on('data', ({ payload }: Told) => {
      if (payload.value !== undefined) heardMs.set(payload.value, performance.now());
    });
    await until('the client is connected', () => socket.connected);
    const results: LiveTimes[] = [];
    let next = 0;
    for (const { perSecond, afterSeconds, what } of rates) {
      const sentMs = new Map<number, number>();
      const warmUp = afterSeconds === undefined ? WARM_UP : perSecond * afterSeconds;
      const total = warmUp + perSecond * seconds;
      await paced(perSecond, total, () => {
        sentMs.set(next, performance.now());
        const written = writeNumber(device, next);
        next += 1;
        return written;
      });
      await until('all are here', () => [...sentMs.keys()].every((number) => heardMs.has(number))).catch(
        () => undefined,
      );
      const measured = [...sentMs].slice(warmUp);
      const times = measured.flatMap(([number, atMs]) => {
        const heardAtMs = heardMs.get(number);
        return heardAtMs === undefined ? [] : [heardAtMs - atMs];
      });
      results.push({ what, sent: measured.length, times });
    }
    socket.disconnect();
    return results;
  } finally {
    await daemon.stop();
    await device.bus.stop();
    await knxd.stop();
  }
}

async function paced(perSecond: number, total: number, write: () => Promise<void>): Promise<void> {
  const writes: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const written = write();
      // told by Promise.all below, when all have been begun
      written.catch(() => undefined);
      writes.push(written);
      if (writes.length < total) return;
      clearInterval(timer);
      resolve();
    }, 1_000 / perSecond);
  });
  await Promise.all(writes);
}
