/**
 * How many readings a second get from an add-on onto the disk and to a socket.io client, and that none is missing on
 * the way. Beside it, in the same run and with the same readings: bare aedes, which only acknowledges, and bare
 * `node:sqlite`, which only writes.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reportTo } from './addon-alone.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { cpuDuring, DEVICES, receivedBy, startLoadedGateway } from './loaded-gateway.ts';
import { median } from './quantiles.ts';
import type { Done, Job } from './reporting-addon.ts';
import type { Received } from './socket-client.ts';
import { count, cpu, ratio } from './units.ts';

const AIM_PER_SECOND = 10_000;
const WARM_UP_MS = 5_000;
const BATCHES = [250, 1_000];

export interface Rates {
  min: number;
  median: number;
  mean: number;
}

interface GatewayRun {
  rates: Rates;
  done: Done;
  stored: Stored;
  received: Received;
  cpu: { daemon: number; addon: number; client: number };
}

interface Stored {
  readings: number;
  /** Different (device, ts). */
  distinct: number;
}

export function ratesOf({ samples }: Done): Rates {
  const perSecond = samples.slice(1).map(({ atMs, acknowledged }, index) => {
    const before = samples[index] as Done['samples'][number];
    return ((acknowledged - before.acknowledged) * 1_000) / (atMs - before.atMs);
  });
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) throw new Error('the add-on took no samples');
  return {
    min: Math.min(...perSecond),
    median: median(perSecond),
    mean: ((last.acknowledged - first.acknowledged) * 1_000) / (last.atMs - first.atMs),
  };
}

export const jobOf = ({ short }: Bench): Job => ({
  devices: DEVICES,
  readingsPerSecond: 0,
  warmUpMs: WARM_UP_MS,
  measureMs: short ? 10_000 : 60_000,
  stamped: false,
});

export async function gatewayRun(bench: Bench): Promise<GatewayRun> {
  const gateway = await startLoadedGateway(bench.scope, jobOf(bench));
  const { daemon, client, addonPid, begun, reports, dataFolder } = gateway;
  const [ofDaemon, ofAddon, ofClient] = await cpuDuring(begun, [
    daemon.process.pid ?? 0,
    addonPid,
    client.pid,
  ]);
  const done = await reports.done();
  const received = await receivedBy(client, done.acknowledged);
  await daemon.stop();
  const stored = storedIn(join(dataFolder, 'gate.db'));
  return {
    rates: ratesOf(done),
    done,
    stored,
    received,
    cpu: { daemon: ofDaemon ?? 0, addon: ofAddon ?? 0, client: ofClient ?? 0 },
  };
}

function storedIn(file: string): Stored {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database
    .prepare(
      'SELECT sum(n) AS readings, sum(moments) AS moments FROM (SELECT count(*) AS n, count(DISTINCT ts) AS moments FROM reading GROUP BY dev)',
    )
    .get();
  database.close();
  return { readings: Number(row?.['readings']), distinct: Number(row?.['moments']) };
}

async function bareBrokerRun(
  bench: Bench,
): Promise<{ rates: Rates; cpu: { broker: number; addon: number } }> {
  const broker = bench.scope.fork('bare-broker.ts');
  const { port } = await broker.next<{ port: number }>();
  const { done, cpu } = await reportTo(
    bench,
    {
      url: `mqtt://127.0.0.1:${port}`,
      pid: broker.pid,
      retain: (topic, payload) => broker.ask({ topic, payload }),
    },
    jobOf(bench),
  );
  broker.process.kill('SIGTERM');
  return { rates: ratesOf(done), cpu };
}

async function bareSqliteRun({ scope, short }: Bench, batch: number): Promise<number> {
  const file = join(scope.folder(), 'bare.db');
  const run = scope.fork('bare-sqlite.ts', [file, String(batch), String(short ? 4_000 : 20_000)]);
  const { rows, ms } = await run.next<{ rows: number; ms: number }>();
  return (rows * 1_000) / ms;
}

async function run(bench: Bench): Promise<Section> {
  bench.say('the gateway');
  const gateway = await gatewayRun(bench);
  bench.say('bare aedes');
  const broker = await bareBrokerRun(bench);
  const sqlite: { batch: number; perSecond: number }[] = [];
  for (const batch of BATCHES) {
    bench.say(`bare node:sqlite, batches of ${batch}`);
    sqlite.push({ batch, perSecond: await bareSqliteRun(bench, batch) });
  }
  const { rates, done, stored, received } = gateway;
  const counts = {
    acknowledged: done.acknowledged,
    stored: stored.readings,
    'stored, different': stored.distinct,
    'events data': received.data,
    'events data_<deviceId>': received.dataOfDevice,
    'events <deviceId>': received.ofDevice,
  };
  const missing = Object.values(counts).some((n) => n !== done.reported);
  if (missing || received.outOfOrder > 0 || received.disconnects > 0)
    throw new Error(
      `not everything that was reported arrived: ${JSON.stringify({ reported: done.reported, ...counts, received })}`,
    );
  const seconds = jobOf(bench).measureMs / 1_000;
  return {
    title: 'Ingest: from the add-on to the disk and to the client',
    aims: [
      {
        what: `readings/s sustained for ${seconds} s (slowest second)`,
        aim: `≥ ${count(AIM_PER_SECOND)}`,
        measured: count(rates.min),
        met: rates.min >= AIM_PER_SECOND,
      },
    ],
    tables: [
      {
        title: 'Readings acknowledged in a second',
        rows: [
          ['', 'slowest second', 'median', 'mean', 'the gateway to it', 'CPU, of one core'],
          [
            'gateway (stored, told to a client, acknowledged)',
            count(rates.min),
            count(rates.median),
            count(rates.mean),
            '',
            `daemon ${cpu(gateway.cpu.daemon)}, add-on ${cpu(gateway.cpu.addon)}, client ${cpu(gateway.cpu.client)}`,
          ],
          [
            'bare aedes (acknowledged, nothing else)',
            count(broker.rates.min),
            count(broker.rates.median),
            count(broker.rates.mean),
            ratio(rates.mean, broker.rates.mean),
            `broker ${cpu(broker.cpu.broker)}, add-on ${cpu(broker.cpu.addon)}`,
          ],
          ...sqlite.map(({ batch, perSecond }) => [
            `bare node:sqlite, batches of ${count(batch)} (stored, nothing else)`,
            '',
            '',
            count(perSecond),
            ratio(rates.mean, perSecond),
            '',
          ]),
        ],
      },
      {
        title: 'What was reported, and what arrived',
        rows: [
          ['reported', ...Object.keys(counts).map((name) => name.replace(/<.*>/, (id) => `\\${id}`))],
          [count(done.reported), ...Object.values(counts).map(count)],
        ],
      },
    ],
    notes: [
      'Nothing missing, nothing twice, each device in order. (Otherwise the benchmark ends with an error.)',
    ],
    how: [
      `An add-on on the SDK, the daemon's own child, reports readings of ${DEVICES} devices, \`{temperature, humidity, battery, linkquality}\`, in turn, and before each awaits \`room()\`; the SDK has at most 1,000 under way. One socket.io 4 client in a process of its own receives all three events of each reading. Everything shares the machine's cores.`,
      `After ${WARM_UP_MS / 1_000} s of warm-up the add-on notes each second for ${seconds} s what has been acknowledged; a row is made of these seconds. CPU is user and system time of all threads in that time, from /proc.`,
      'Reported is counted in the add-on from its first reading to its last, warm-up included; stored in `gate.db` after the daemon has stopped; events in the client.',
      'Bare aedes: the same add-on program and SDK session against aedes 1 without any of gate, no subscriber. Bare node:sqlite: the same rows into a table and index like the store’s (WAL, `synchronous=FULL`, pages of 2,048 bytes), one process, nothing else.',
    ],
  };
}

export const ingest: Benchmark = { name: 'ingest', run };
