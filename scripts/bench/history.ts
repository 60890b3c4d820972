/**
 * How long the history of one attribute takes over HTTP in a store of 5 million readings of a house, with InfluxDB
 * holding the same readings beside it: every request to one is followed by the same request to the other.
 */
import { Agent } from 'node:http';
import { installPeers } from '../peers/peers.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { type Filled, fillStore, startDaemon, timedGet } from './filled-gateway.ts';
import {
  HOUSE_DEVICES,
  houseReadings,
  PLUG_ATTRIBUTE,
  PLUG_PERIOD_S,
  PLUGS,
  READINGS_A_DAY,
  SENSOR_ATTRIBUTE,
  SENSOR_PERIOD_S,
  SENSORS,
} from './house.ts';
import { Influx } from './influx.ts';
import { quantile } from './quantiles.ts';
import { count, ms, ratio } from './units.ts';

const DAY_MS = 86_400_000;
const REQUESTS = 200;
const WARM_UP_REQUESTS = 40;
const LAST_N = 100;
const AIM_LAST_MS = 2;
const AIM_DAY_MS = 8;

/** One kind of question, to either side. */
export interface Kind {
  name: string;
  values: number;
  gate: (n: number) => string;
  influx: (n: number) => string;
}

export interface Measured {
  kind: Kind;
  gate: number[];
  influx: number[];
  gateBytes: number;
  influxBytes: number;
}

const LAST = `last ${LAST_N} values of one attribute`;
const DAY = `24 h of raw values of one attribute of a plug`;

export function kindsFor({ ids, firstTs, lastTs }: Filled): Kind[] {
  const plug = (n: number) => ids[n % PLUGS] as string;
  const sensor = (n: number) => ids[PLUGS + (n % SENSORS)] as string;
  const begin = (n: number) => Math.ceil(firstTs + ((n * 0.618) % 1) * (lastTs - firstTs - DAY_MS));
  const iso = (at: number) => new Date(at).toISOString();
  const history = (id: string, query: string) => `/history/device/${id}/history?${query}`;
  const day = (n: number) => `dateFrom=${iso(begin(n))}&dateTo=${iso(begin(n) + DAY_MS - 1)}`;
  const from = (id: string) => `FROM reading WHERE device = '${id}'`;
  const inDay = (n: number) => `AND time >= ${begin(n)}ms AND time < ${begin(n) + DAY_MS}ms`;
  return [
    {
      name: LAST,
      values: LAST_N,
      gate: (n) => history(plug(n), `attr=${PLUG_ATTRIBUTE}&lastN=${LAST_N}`),
      influx: (n) => `SELECT ${PLUG_ATTRIBUTE} ${from(plug(n))} ORDER BY time DESC LIMIT ${LAST_N}`,
    },
    {
      name: DAY,
      values: DAY_MS / 1_000 / PLUG_PERIOD_S,
      gate: (n) => history(plug(n), `attr=${PLUG_ATTRIBUTE}&${day(n)}`),
      influx: (n) => `SELECT ${PLUG_ATTRIBUTE} ${from(plug(n))} ${inDay(n)} ORDER BY time DESC`,
    },
    {
      name: '24 h of raw values of one attribute of a sensor',
      values: DAY_MS / 1_000 / SENSOR_PERIOD_S,
      gate: (n) => history(sensor(n), `attr=${SENSOR_ATTRIBUTE}&${day(n)}`),
      influx: (n) => `SELECT ${SENSOR_ATTRIBUTE} ${from(sensor(n))} ${inDay(n)} ORDER BY time DESC`,
    },
    {
      name: '24 h of a plug by 5 min: min, max, mean, count',
      // the first and the last interval are parts
      values: DAY_MS / 300_000 + 1,
      gate: (n) => history(plug(n), `attr=${PLUG_ATTRIBUTE}&interval=5m&${day(n)}`),
      influx: (n) => {
        const numbers = ['min', 'max', 'mean', 'count'].map((name) => `${name}(${PLUG_ATTRIBUTE})`);
        return `SELECT ${numbers} ${from(plug(n))} ${inDay(n)} GROUP BY time(5m) fill(none) ORDER BY time DESC`;
      },
    },
  ];
}

/** Times and values, as far as they are comparable: both sides must say the same. */
function pairsOfGate(body: string): [number, unknown][] {
  const entries = JSON.parse(body) as { ts: string; value?: unknown; mean?: number }[];
  return entries.map(({ ts, value, mean }) => [Date.parse(ts), value ?? mean?.toFixed(6)]);
}

function pairsOfInflux(body: string): [number, unknown][] {
  const { results } = JSON.parse(body) as {
    results: { series?: { values: [number, ...(number | string)[]][] }[] }[];
  };
  const rows = results[0]?.series?.[0]?.values ?? [];
  // with statistics: time, min, max, mean, count
  return rows.map(([ts, first, , mean]) => [ts, mean === undefined ? first : Number(mean).toFixed(6)]);
}

export async function measure(kind: Kind, { gateUrl, influx }: Houses): Promise<Measured> {
  const agents = [0, 1].map(() => new Agent({ keepAlive: true, maxSockets: 1 })) as [Agent, Agent];
  const measured: Measured = { kind, gate: [], influx: [], gateBytes: 0, influxBytes: 0 };
  try {
    for (let n = -WARM_UP_REQUESTS; n < REQUESTS; n += 1) {
      const nth = Math.abs(n);
      const ours = await timedGet(agents[0], gateUrl + kind.gate(nth));
      const theirs = await timedGet(agents[1], influx.queryUrl(kind.influx(nth)));
      if (n < 0) continue;
      measured.gate.push(ours.ms);
      measured.influx.push(theirs.ms);
      measured.gateBytes = ours.body.length;
      measured.influxBytes = theirs.body.length;
      const [our, their] = [pairsOfGate(ours.body), pairsOfInflux(theirs.body)];
      if (our.length < kind.values - 1 || JSON.stringify(our) !== JSON.stringify(their))
        throw new Error(
          `${kind.name}: ${our.length} and ${their.length} values, or not the same: ${kind.gate(nth)}`,
        );
    }
  } finally {
    for (const agent of agents) agent.destroy();
  }
  return measured;
}

/** Both with the same readings, asked over HTTP. */
export interface Houses {
  gateUrl: string;
  influx: Influx;
  filled: Filled;
  readings: number;
}

export async function startHouses(bench: Bench): Promise<Houses & { stop: () => Promise<void> }> {
  const missing = installPeers(['influxdb']);
  if (missing.length > 0) throw new Error(`without its peer this measures nothing: ${missing.join('; ')}`);
  const readings = bench.short ? 1_000_000 : 5_000_000;
  const dataFolder = bench.scope.folder();
  bench.say(`building a store of ${count(readings)}`);
  const filled = await fillStore(bench, dataFolder, { devices: HOUSE_DEVICES, readings });
  bench.say(`built in ${(filled.ms / 1_000).toFixed(1)} s; the same into InfluxDB`);
  const influx = await Influx.start(bench.scope);
  await influx.fill(houseReadings(readings, filled.lastTs), filled.ids);
  await influx.settled();
  bench.say('asking');
  const daemon = await startDaemon(bench, dataFolder);
  return {
    gateUrl: daemon.url,
    influx,
    filled,
    readings,
    stop: async () => {
      await daemon.stop();
      influx.stop();
    },
  };
}

async function run(bench: Bench): Promise<Section> {
  const houses = await startHouses(bench);
  const { filled, readings } = houses;
  const results: Measured[] = [];
  for (const kind of kindsFor(filled)) results.push(await measure(kind, houses));
  await houses.stop();
  const p50 = (name: string) => quantile(results.find(({ kind }) => kind.name === name)?.gate ?? [], 0.5);
  const both = (samples: readonly number[]) =>
    [0.5, 0.99].map((q) => quantile(samples, q).toFixed(2)).join(' / ');
  return {
    title: `History: values of one attribute over HTTP, ${count(readings)} readings`,
    aims: [
      { name: LAST, aim: AIM_LAST_MS },
      { name: DAY, aim: AIM_DAY_MS },
    ].map(({ name, aim }) => ({
      what: `p50 of the ${name}`,
      aim: `≤ ${aim} ms`,
      measured: ms(p50(name)),
      met: p50(name) <= aim,
    })),
    tables: [
      {
        title: 'p50 / p99 in ms, and the size of the last answer',
        rows: [
          ['', 'values', 'gate', 'InfluxDB 1.6', 'gate to InfluxDB, p50', 'gate, kB', 'InfluxDB, kB'],
          ...results.map(({ kind, gate, influx: theirs, gateBytes, influxBytes }) => [
            kind.name,
            count(kind.values),
            both(gate),
            both(theirs),
            ratio(quantile(gate, 0.5), quantile(theirs, 0.5)),
            count(gateBytes / 1_000),
            count(influxBytes / 1_000),
          ]),
        ],
      },
    ],
    notes: [
      `The store was built and packed in ${(filled.ms / 1_000).toFixed(1)} s (${count((readings * 1_000) / filled.ms)}/s).`,
      'In dojot’s form each value repeats the device, the attribute and the metadata: that is the difference in size.',
    ],
    how: [
      `A house of ${HOUSE_DEVICES} devices: ${PLUGS} metering plugs that send six values every ${PLUG_PERIOD_S} s, and ${SENSORS} sensors that send four every ${SENSOR_PERIOD_S / 60} min, ${count(READINGS_A_DAY)} readings a day, stored in the order of time, so that each device’s readings lie scattered between those of the others. 24 h of a plug are ${count(DAY_MS / 1_000 / PLUG_PERIOD_S)} values, of a sensor ${DAY_MS / 1_000 / SENSOR_PERIOD_S}. The days begin at moments of any hour within the whole time.`,
      'The store is built by the product’s own `ReadingWriter` and packed by its own `ReadingPacks`, as the daemon does it within a minute; then the built daemon serves it. InfluxDB is Debian’s, default settings, one measurement with the device as its tag; it is asked when its compactions have ended.',
      `${REQUESTS} requests of each kind after ${WARM_UP_REQUESTS} to warm up, to either side in turn over one kept-alive connection each, timed from the request to the last byte of the answer. Both answers are compared: the benchmark fails when one value or time differs.`,
    ],
  };
}

export const history: Benchmark = { name: 'history', run };
