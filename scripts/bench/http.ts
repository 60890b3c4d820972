/**
 * 500 HTTP devices polled every 10 s: processor, memory, and how late a poll is, beside a flow of Node-RED that does the
 * same; and what a `set` takes through the gateway beside the same call made directly.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import type { Gaps, Question } from './http-devices.ts';
import { NODE_RED, startNodeRed } from './http-node-red.ts';
import { monotonicMs } from './monotonic.ts';
import { addonsOf, cpuSecondsOf, memoryOf } from './process-figures.ts';
import { quantile } from './quantiles.ts';
import { Scope } from './scope.ts';
import { count, cpu, megabytes, ms } from './units.ts';

const DEVICES = 500;
const INTERVAL_SECONDS = 10;
const HTTP_DEVICE_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';
/** Created at a time: the API is asked as a script would ask it. */
const AT_ONCE = 10;
const SETTLE_MS = 25_000;
/** A poll that is later than this in the 99th percentile has fallen behind. */
const LATE_AIM_MS = 250;
const MISSED_AIM = 0.01;

export interface Polling {
  /** Milliseconds later than an interval after the one before. */
  late: number[];
  polls: number;
  missed: number;
  processes: { name: string; cpu: number; rss: number }[];
}
interface DeviceView {
  id: string;
  status: { eventType: string };
}

const addressOf = (at: number) => `127.10.${at >> 8}.${at & 255}`;

async function measured(
  devices: ReturnType<Scope['fork']>,
  processes: { name: string; pid: number }[],
  windowMs: number,
): Promise<Polling> {
  const ask = (question: Question) => devices.ask<Gaps>(question);
  await until('all devices are polled', async () => (await ask({ ask: 'gaps' })).devices === DEVICES, 60_000);
  await pause(SETTLE_MS);
  await ask({ ask: 'window' });
  const before = processes.map(({ pid }) => cpuSecondsOf(pid));
  const beganMs = monotonicMs();
  await pause(windowMs);
  const { gaps, polls } = await ask({ ask: 'gaps' });
  const seconds = (monotonicMs() - beganMs) / 1_000;
  const expected = (DEVICES * seconds) / INTERVAL_SECONDS;
  return {
    late: gaps.map((gap) => Math.max(0, gap - INTERVAL_SECONDS * 1_000)),
    polls,
    missed: Math.max(0, 1 - polls / expected),
    processes: processes.map(({ name, pid }, at) => ({
      name,
      cpu: (cpuSecondsOf(pid) - (before[at] ?? 0)) / seconds,
      rss: memoryOf(pid).rss,
    })),
  };
}

export async function gatePolling(bench: Bench, windowMs: number) {
  const scope = new Scope();
  try {
    const devices = scope.fork('http-devices.ts');
    const { port } = await devices.ask<{ port: number }>({ ask: 'port' });
    const daemon = scope.spawnDaemon(scope.folder(), { ON_PREMISE_ANONYMOUS: 'all' });
    await until('the daemon is up', () => daemon.log.some(({ msg }) => msg.startsWith('gate is up')));
    await until('the HTTP add-on runs', async () => {
      const { parts } = await daemon.api.get<{ parts: Record<string, { state: string }> }>('/health/ready');
      return parts['addon:http']?.state === 'running';
    });
    bench.say(`pairing ${DEVICES} devices`);
    const ids: string[] = [];
    for (let from = 0; from < DEVICES; from += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, DEVICES - from) }, async (_, at) => {
        const parameters = { hostname: addressOf(from + at), port, interval: INTERVAL_SECONDS };
        const wanted = { name: `device ${from + at}`, type: HTTP_DEVICE_TYPE, parameters, pair: true };
        return (await daemon.api.send<DeviceView>('POST', '/device/v1/devices', wanted)).id;
      });
      ids.push(...(await Promise.all(some)));
    }
    bench.say('polling');
    const pid = daemon.process.pid ?? 0;
    const addon = addonsOf(pid).get('http') ?? 0;
    const processes = [
      { name: 'gate', pid },
      { name: 'its HTTP add-on', pid: addon },
    ];
    const polling = await measured(devices, processes, windowMs);
    bench.say('commands');
    const commands = await commandTimes(bench, {
      direct: `http://${addressOf(0)}:${port}`,
      gate: daemon.url,
      id: ids[0] ?? '',
    });
    return { polling, commands };
  } finally {
    await scope.end();
  }
}

export async function nodeRedPolling(bench: Bench, windowMs: number): Promise<Polling> {
  const scope = new Scope();
  try {
    const devices = scope.fork('http-devices.ts');
    const { port } = await devices.ask<{ port: number }>({ ask: 'port' });
    const urls = Array.from({ length: DEVICES }, (_, at) => `http://${addressOf(at)}:${port}/status`);
    const pid = await startNodeRed({ ...bench, scope }, urls, INTERVAL_SECONDS);
    return await measured(devices, [{ name: NODE_RED, pid }], windowMs);
  } finally {
    await scope.end();
  }
}

/** One after the other, over connections that are kept, in turns: what else the machine does falls on both. */
async function commandTimes({ short }: Bench, places: { direct: string; gate: string; id: string }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (url: string, method: string, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const beganMs = monotonicMs();
      const outgoing = request(url, { method, headers, agent }, (answer) => {
        answer.resume().on('end', () => {
          if (answer.statusCode === 200) resolve(monotonicMs() - beganMs);
          else reject(new Error(`${url} was answered ${answer.statusCode}`));
        });
      });
      outgoing.on('error', reject).end();
    });
  const headers = { 'instathings-path': '/relay/0', 'instathings-method': 'GET' };
  const direct: number[] = [];
  const through: number[] = [];
  const total = short ? 300 : 2_000;
  for (let turn = 0; turn < total; turn += 1) {
    direct.push(await call(`${places.direct}/relay/0?turn=on`, 'GET'));
    through.push(await call(`${places.gate}/device/v1/control/${places.id}/set?turn=on`, 'POST', headers));
  }
  agent.destroy();
  // the first calls open connections and compile
  return { direct: direct.slice(total / 10), through: through.slice(total / 10) };
}

function row(name: string, { late, polls, missed, processes }: Polling): string[] {
  const all = processes.map(({ cpu: share, rss }) => `${cpu(share)}, ${megabytes(rss)} MB`).join(' + ');
  const sum = (of: (process: Polling['processes'][number]) => number) =>
    processes.reduce((total, each) => total + of(each), 0);
  return [
    name,
    count(polls),
    `${(missed * 100).toFixed(1)} %`,
    ms(quantile(late, 0.5)),
    ms(quantile(late, 0.99)),
    cpu(sum((each) => each.cpu)),
    megabytes(sum((each) => each.rss)),
    all,
  ];
}

async function run(bench: Bench): Promise<Section> {
  const windowMs = bench.short ? 30_000 : 120_000;
  const { polling, commands } = await gatePolling(bench, windowMs);
  bench.say(NODE_RED);
  const theirs = await nodeRedPolling(bench, windowMs);
  const late99 = quantile(polling.late, 0.99);
  const [direct, through] = [commands.direct, commands.through];
  const added = (q: number) => quantile(through, q) - quantile(direct, q);
  return {
    title: `HTTP: ${DEVICES} devices polled every ${INTERVAL_SECONDS} s`,
    aims: [
      {
        what: 'polls that were not made',
        aim: `≤ ${MISSED_AIM * 100} %`,
        measured: `${(polling.missed * 100).toFixed(1)} %`,
        met: polling.missed <= MISSED_AIM,
      },
      {
        what: 'lateness of a poll, p99',
        aim: `≤ ${LATE_AIM_MS} ms`,
        measured: ms(late99),
        met: late99 <= LATE_AIM_MS,
      },
    ],
    tables: [
      {
        title: 'Polling',
        rows: [
          ['', 'polls', 'not made', 'late p50', 'late p99', 'CPU', 'RSS (MB)', 'by process'],
          row('gate', polling),
          row(NODE_RED, theirs),
        ],
      },
      {
        title: 'A `set`',
        rows: [
          ['', 'p50', 'p99'],
          ['the device directly', ms(quantile(direct, 0.5)), ms(quantile(direct, 0.99))],
          ['through the gateway', ms(quantile(through, 0.5)), ms(quantile(through, 0.99))],
          ['added', ms(added(0.5)), ms(added(0.99))],
        ],
      },
    ],
    notes: [
      'gate has each reading on disk and tells it to whoever listens; the flow of Node-RED appends it to a file.',
    ],
    how: [
      `${DEVICES} devices in a process of their own, each with its address, answer about 1 KB after no time at all. They note when they are asked: a poll is as late as it comes more than ${INTERVAL_SECONDS} s after the one before.`,
      `${windowMs / 1_000} s are measured, ${SETTLE_MS / 1_000} s after all devices were polled. CPU is of one core.`,
      `The flow has one inject node for each device, begun one after the other over ${INTERVAL_SECONDS} s, one http request node with kept connections, and one file node.`,
      'Commands: one after the other, directly and through the gateway in turns, while all devices are polled.',
    ],
  };
}

export const http: Benchmark = { name: 'http', run };
