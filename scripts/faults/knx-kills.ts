/** A KNX bus whose gateway (knxd), add-on or daemon is killed: what is told on it afterwards is stored once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KNX_DEVICE_TYPE } from '../../addons/knx/src/knx-parameters.ts';
import { Knxd } from '../../test/support/knxd.ts';
import { until } from '../../test/support/until.ts';
import { reasonToSkip } from '../peers/peers.ts';
import { FaultHouse } from './house.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 15, long: 1_500 };
const WORKS_AGAIN_MS = 100_000;
const VICTIMS = ['knxd', 'daemon', 'add-on'] as const;
const ADDRESS = '1/0/1';
const TOLD_AGAIN_MS = 300;

interface Page {
  data: { data: { counter?: number } }[];
}

const PEERS = ['knxd'] as const;

export const knxKills: Scenario = {
  name: 'knx-kills',
  breaks: '`kill -9` of knxd, of the KNX add-on, of the daemon, while the bus is listened to',
  holds: 'the bus is found again by itself, and what is told on it then is stored once',
  boundMs: { short: 900_000, long: 10 * 3_600_000 },
  peers: PEERS,
  obstacle: () => reasonToSkip(...PEERS),
  run,
};

async function run({ scope, random, long, isOver, say }: FaultRun): Promise<Survived> {
  const ready = new ReadyTimes();
  const knxd = await Knxd.start({ onLoopback: true });
  scope.defer(() => knxd.stop());
  const gateway = await FaultHouse.at({ scope, ready, folder: scope.folder() });
  await gateway.start();
  const { api } = gateway;
  const parameters = { ip_address: '127.0.0.1', port: knxd.port };
  await api.send('POST', '/device/v1/protocols/knx/installation', { parameters });
  await until('the bus is reached', async () => {
    const { state } = await api.get<{ state: string }>('/device/v1/protocols/knx');
    return state === 'running';
  });
  const datapoints = [{ name: 'counter', group_address: ADDRESS, dpt: '12.001', flags: ['listen'] }];
  const { id } = await api.send<{ id: string }>('POST', '/device/v1/devices', {
    name: 'counter',
    type: KNX_DEVICE_TYPE,
    parameters: { datapoints },
    pair: true,
  });
  await until('the device is paired', async () => {
    const { status } = await api.get<{ status: { eventType: string } }>(`/device/v1/devices/${id}`);
    return status.eventType === 'paired';
  });
  const counts = new Map<string, number>();
  const cuts = CUTS[long ? 'long' : 'short'];
  let deck: (typeof VICTIMS)[number][] = [];
  let cut = 0;
  for (; cut < cuts && !isOver(); cut += 1) {
    if (deck.length === 0) deck = random.shuffled([...VICTIMS, ...VICTIMS]);
    const victim = deck.pop() as (typeof VICTIMS)[number];
    counts.set(victim, (counts.get(victim) ?? 0) + 1);
    say(`cut ${cut} of ${cuts}: ${victim}`);
    try {
      await told(gateway, knxd, { id, value: 2 * cut + 1 });
      await pause(random.next() * 200);
      await kill(victim, gateway, knxd);
      await told(gateway, knxd, { id, value: 2 * cut + 2 });
    } catch (error) {
      throw new FaultFound(`cut ${cut}, ${victim}: ${(error as Error).message}\n${gateway.lastWords()}`, {
        cause: error,
      });
    }
  }
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  return {
    faults: cut,
    planned: cuts,
    counts: { of: [...counts].map(([name, count]) => `${name} ${count}`).join(', '), ready: ready.words() },
  };
}

async function kill(victim: (typeof VICTIMS)[number], gateway: FaultHouse, knxd: Knxd): Promise<void> {
  if (victim === 'daemon') {
    await gateway.daemon.kill();
    await gateway.start();
  } else if (victim === 'knxd') {
    await knxd.kill();
    await pause(100);
    await knxd.start();
  } else {
    const { pid } = JSON.parse(readFileSync(join(gateway.folder, 'run', 'knx.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
  }
}

/** A telegram that nobody hears is lost, as on a real bus: it is sent until it is heard, each time with the same value. */
async function told(
  gateway: FaultHouse,
  knxd: Knxd,
  { id, value }: { id: string; value: number },
): Promise<void> {
  let sent = 0;
  const stored = async () => {
    const page = await gateway.api.get<Page>(`/device/v1/devices/${id}/data?sort=-ts&perPage=20`);
    return page.data.filter(({ data }) => data.counter === value).length;
  };
  const times = await until(
    `${value} is stored`,
    async () => {
      await knxd.write(ADDRESS, value.toString(16).padStart(8, '0'));
      sent += 1;
      await pause(TOLD_AGAIN_MS);
      return (await stored()) || undefined;
    },
    WORKS_AGAIN_MS,
  );
  demand(times <= sent, `${value} was told ${sent} times, and is stored ${times} times`);
}
