/** What goes on in the house of a soak beside its readings: commands, queries, panels that come and go, an add-on that is killed. */
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import type { FaultHouse } from './house.ts';
import type { OutsideAddon } from './outside-addon.ts';
import type { FaultRun } from './scenario.ts';

const KILL_EVERY_MS = { short: 12_000, long: 300_000 };
const COMMAND_EVERY_MS = 1_000;
const CLIENT_STAYS_MS = 1_500;

export interface SoakSite {
  gateway: FaultHouse;
  addon: OutsideAddon;
  run: FaultRun;
  form: 'short' | 'long';
  isOver: boolean;
  acked: number;
  acknowledgedMs: number[];
  commandMs: number[];
  counts: { commands: number; clients: number; queries: number; kills: number };
}

/** Until `isOver`. @throws what has failed first */
export async function livesOn(site: SoakSite): Promise<void> {
  await Promise.all([commands(site), clients(site), queries(site), kills(site)]);
}

async function commands(site: SoakSite): Promise<void> {
  const {
    gateway,
    addon,
    run: { random },
  } = site;
  const choice = random.fork('commands');
  while (!site.isOver) {
    const askedAt = performance.now();
    const deviceId = choice.pick(addon.deviceIds);
    await gateway.api.send('POST', `/device/v1/control/${deviceId}/set`, { on: choice.next() < 0.5 });
    site.commandMs.push(performance.now() - askedAt);
    site.counts.commands += 1;
    await pause(COMMAND_EVERY_MS);
  }
}

/** A panel that is opened, hears some events, and is closed. */
async function clients(site: SoakSite): Promise<void> {
  const { api, daemon } = site.gateway;
  const [device] = await api.get<{ projectId: string }[]>('/device/v1/devices');
  const url = `${daemon.url.replace(/^http/, 'ws')}/?project=${device?.projectId}`;
  while (!site.isOver) {
    const socket = new WebSocket(url);
    let heard = 0;
    socket.onmessage = () => {
      heard += 1;
    };
    await until('a client hears of a reading', () => heard > 0);
    await pause(CLIENT_STAYS_MS);
    socket.close();
    site.counts.clients += 1;
  }
}

async function queries(site: SoakSite): Promise<void> {
  const {
    gateway: { api },
    addon,
    run: { random },
  } = site;
  const choice = random.fork('queries');
  while (!site.isOver) {
    const deviceId = choice.pick(addon.deviceIds);
    await api.get(`/device/v1/devices/${deviceId}/data?perPage=50&sort=-ts`);
    await api.call('GET', `/history/device/${deviceId}/history?attr=temperature&lastN=100`);
    site.counts.queries += 2;
    await pause(COMMAND_EVERY_MS);
  }
}

async function kills(site: SoakSite): Promise<void> {
  let nextAt = performance.now() + KILL_EVERY_MS[site.form] / 2;
  while (!site.isOver) {
    await pause(200);
    if (performance.now() < nextAt) continue;
    const pid = site.gateway.addonPid('virtual');
    // it is not yet back from the time before
    if (pid === undefined) continue;
    process.kill(pid, 'SIGKILL');
    site.counts.kills += 1;
    nextAt = performance.now() + KILL_EVERY_MS[site.form];
  }
}
