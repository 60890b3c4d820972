/** 200 socket.io clients, each narrowed to one of 200 devices, at 1,000 readings a second: all delivered, how soon, at what cost. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { cpuDuring, startReportingGateway } from './loaded-gateway.ts';
import { monotonicMs } from './monotonic.ts';
import type { AllDelivered } from './narrowed-clients.ts';
import { memoryOf } from './process-figures.ts';
import { quantile } from './quantiles.ts';
import type { Done } from './reporting-addon.ts';
import type { Channel } from './scope.ts';
import { count, cpu, megabytes, ms } from './units.ts';

const CLIENTS = 200;
const READINGS_PER_SECOND = 1_000;
const WARM_UP_MS = 8_000;
const TAIL_MS = 15_000;
const QUANTILES = [0.5, 0.9, 0.99, 1];

/** The time of the last reading of the nth device. */
const lastTsOf = ({ firstTs, reported, deviceIds }: Done, n: number) =>
  firstTs + Math.floor((reported - 1 - n) / deviceIds.length);

/** What all clients have once the last reading of each device is there, or no more comes. */
async function deliveredTo(clients: Channel, done: Done): Promise<AllDelivered> {
  for (const endsAtMs = monotonicMs() + TAIL_MS; ; await pause(200)) {
    const all = await clients.ask<AllDelivered>({});
    const there = done.deviceIds.every((id, n) => all.clients[id]?.lastTs === lastTsOf(done, n));
    if (there || monotonicMs() > endsAtMs) return all;
  }
}

/** @throws when a client missed a reading after its first, had one twice, or one of another device */
function refuseLoss(all: AllDelivered, done: Done): void {
  for (const [n, id] of done.deviceIds.entries()) {
    const client = all.clients[id];
    const complete =
      client !== undefined &&
      client.outOfOrder + client.foreign + client.disconnects === 0 &&
      client.lastTs === lastTsOf(done, n) &&
      client.data === client.lastTs - client.firstTs + 1;
    if (!complete)
      throw new Error(`the client of device ${n} has not received everything: ${JSON.stringify(client)}`);
  }
}

async function run(bench: Bench): Promise<Section> {
  const measureMs = bench.short ? 8_000 : 30_000;
  const job = {
    devices: CLIENTS,
    readingsPerSecond: READINGS_PER_SECOND,
    warmUpMs: WARM_UP_MS,
    measureMs,
    stamped: true,
  };
  const { daemon, addonPid, ids, begun, reports } = await startReportingGateway(bench.scope, job);
  const pid = daemon.process.pid ?? 0;
  const rssBefore = memoryOf(pid).rss;
  const clients = bench.scope.fork('narrowed-clients.ts', [daemon.url, ids.join(',')]);
  await clients.next();
  if (monotonicMs() > begun.measureFromMs) throw new Error('the clients were not connected in time');
  bench.say(`${CLIENTS} clients are connected`);
  const [daemonCpu = 0, addonCpu = 0, clientsCpu = 0] = await cpuDuring(begun, [pid, addonPid, clients.pid]);
  const rss = memoryOf(pid).rss;
  const done = await reports.done();
  const all = await deliveredTo(clients, done);
  refuseLoss(all, done);
  await daemon.stop();
  const samples = all.times
    .filter(({ sentAtMs }) => sentAtMs >= begun.measureFromMs && sentAtMs < begun.measureToMs)
    .map(({ tookMs }) => tookMs);
  const delivered = Object.values(all.clients).reduce((sum, { data }) => sum + data, 0);
  return {
    title: `Sockets: ${CLIENTS} clients narrowed to one device each, at ${count(READINGS_PER_SECOND)} readings a second`,
    aims: [
      {
        what: 'readings delivered, each to the one client that asked for its device',
        aim: 'all, in order, none twice',
        measured: `${count(delivered)}, nothing missing`,
        met: true,
      },
    ],
    tables: [
      {
        title: 'From `report` in the add-on to the `data` event in the client, `COMMIT_WINDOW_MS` 25',
        rows: [
          ['p50', 'p90', 'p99', 'max', 'samples'],
          [...QUANTILES.map((q) => ms(quantile(samples, q))), count(samples.length)],
        ],
      },
      {
        title: 'Cost',
        rows: [
          [
            'daemon, of one core',
            'add-on, of one core',
            `${CLIENTS} clients, of one core`,
            'RSS of the daemon',
            'before the clients',
          ],
          [
            cpu(daemonCpu),
            cpu(addonCpu),
            cpu(clientsCpu),
            `${megabytes(rss)} MB`,
            `${megabytes(rssBefore)} MB`,
          ],
        ],
      },
    ],
    notes: [],
    how: [
      `As in latency, with ${CLIENTS} devices. ${CLIENTS} socket.io 4 clients over WebSocket in one process, each with \`devices=<id>\` and \`events=data\` in its handshake; they connect while the add-on warms up (${WARM_UP_MS / 1_000} s), then ${measureMs / 1_000} s are measured.`,
      'Each device’s readings are numbered by their time: a client that misses one after its first, has one twice or out of order, or one of another device, fails the benchmark.',
    ],
  };
}

export const sockets: Benchmark = { name: 'sockets', run };
