/** Readings from one add-on: to the disk and to a client by gate; to a client by mosquitto; to the disk by InfluxDB. */
import mqtt from 'mqtt';
import { installPeers } from '../../peers/peers.ts';
import { reportTo } from '../addon-alone.ts';
import type { Bench } from '../benchmark.ts';
import { houseReadings } from '../house.ts';
import { Influx } from '../influx.ts';
import { gatewayRun, jobOf, ratesOf } from '../ingest.ts';
import { startMosquitto } from '../mosquitto.ts';
import { median } from '../quantiles.ts';
import { ended } from '../scope.ts';
import { count } from '../units.ts';
import { type Contest, type Figures, GATE, roundOf } from './contest.ts';

const RATE = 'readings/s, median of the seconds';
const SLOWEST = 'readings/s, slowest second';
/** Ten months of a house. */
const MORE_THAN_IT_TAKES = 50_000_000;
const AUTOSAVE = ['autosave_on_changes true', 'autosave_interval 1'];

type Side = (bench: Bench) => Promise<Figures>;

const figuresOf = (perSecond: readonly number[]): Figures =>
  new Map([
    [RATE, median(perSecond)],
    [SLOWEST, Math.min(...perSecond)],
  ]);

/** gate: on disk, told to a socket.io client, then acknowledged. */
const gate: Side = async (bench) => {
  const { done, received } = await gatewayRun(bench);
  if (received.data !== done.reported)
    throw new Error(`of ${done.reported} readings the client has heard ${received.data}`);
  const { median: middle, min } = ratesOf(done);
  return new Map([
    [RATE, middle],
    [SLOWEST, min],
  ]);
};

/** mosquitto with one subscriber, which must have heard of all of them. */
const mosquitto =
  (settings: readonly string[]): Side =>
  async (bench) => {
    const { url, pid } = await startMosquitto(bench.scope, (folder) => [
      'persistence true',
      // or it drops what a subscriber does not take in time: more than 1,000 messages
      'max_queued_messages 0',
      `persistence_location ${folder}/`,
      // it runs as whoever starts it, so that it may write there
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      ...settings,
    ]);
    const counter = bench.scope.fork('peers/mqtt-counter.ts', [url]);
    await counter.next();
    const client = await mqtt.connectAsync(url);
    const retain = (topic: string, payload: string) =>
      client.publishAsync(topic, payload, { retain: true, qos: 1 });
    const { done } = await reportTo(bench, { url, pid, retain }, jobOf(bench)).finally(() =>
      client.endAsync(true),
    );
    const { received } = await counter.ask<{ received: number }>({ atLeast: done.reported });
    await ended(counter.process);
    if (received < done.reported)
      throw new Error(`of ${done.reported} readings mosquitto’s subscriber has heard ${received}`);
    const { median: middle, min } = ratesOf(done);
    return new Map([
      [RATE, middle],
      [SLOWEST, min],
    ]);
  };

/** InfluxDB over one kept connection, one request after the other, each answered when it is in its write-ahead log. */
const influx =
  (batch: number): Side =>
  async (bench) => {
    const database = await Influx.start(bench.scope);
    const ids = Array.from({ length: 200 }, (_, n) => `device-${n}`);
    const seconds = bench.short ? 5 : 30;
    const readings = houseReadings(MORE_THAN_IT_TAKES, Date.now());
    const perSecond: number[] = [];
    for (let second = 0; second < seconds; second += 1) {
      const beganMs = performance.now();
      let written = 0;
      while (performance.now() - beganMs < 1_000) {
        await database.fill(take(readings, batch), ids, batch);
        written += batch;
      }
      perSecond.push((written * 1_000) / (performance.now() - beganMs));
    }
    database.stop();
    return figuresOf(perSecond);
  };

/** The next few of an endless row, which goes on after them. */
function* take<T>(row: Iterator<T>, total: number): Generator<T> {
  for (let n = 0; n < total; n += 1) yield row.next().value as T;
}

const SIDES: readonly (readonly [string, Side])[] = [
  [GATE, gate],
  ['mosquitto, to a client, not on disk', mosquitto([])],
  ['mosquitto, autosave_on_changes', mosquitto(AUTOSAVE)],
  ['InfluxDB 1.6, one reading a request, no client', influx(1)],
  ['InfluxDB 1.6, 1 000 readings a request, no client', influx(1_000)],
];

async function prepared(bench: Bench) {
  const missing = installPeers(['mosquitto', 'influxdb']);
  if (missing.length > 0) throw new Error(missing.join('; '));
  return (nth: number) => roundOf(bench, SIDES, nth);
}

const TWO_THINGS =
  'of both jobs gate does, to the disk with fsync and to a client with an acknowledgement for each reading, this one does a part';

export const ingestContest: Contest = {
  name: 'ingest',
  title: 'Ingest: to the disk, with live fan-out',
  figures: [
    { name: RATE, show: count, more: true, why: TWO_THINGS },
    { name: SLOWEST, show: count, more: true, why: TWO_THINGS },
  ],
  how: [
    'gate and mosquitto are reported to by the same add-on on the SDK, QoS 1, 1,000 under way at most, and one subscriber must have heard of each reading in the end. The rate is that of the acknowledgements: gate acknowledges what the client has been told, mosquitto also what still waits in its memory for the subscriber. InfluxDB takes requests one after the other over one kept connection.',
  ],
  prepare: prepared,
};
