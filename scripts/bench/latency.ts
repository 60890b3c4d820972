/**
 * How long a reading takes from `report` in the add-on to a socket.io client, at a steady 1,000 a second: with the
 * commit window as it is by default, and with none.
 */
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { DEVICES, receivedBy, startLoadedGateway, waitUntil } from './loaded-gateway.ts';
import { quantile } from './quantiles.ts';
import type { Times } from './socket-client.ts';
import { count, ms } from './units.ts';

const READINGS_PER_SECOND = 1_000;
const WARM_UP_MS = 5_000;
const WINDOW_DEFAULT_MS = 25;
const AIM_P50_MS = 3;
const AIM_P99_MS = 15;
/** Readings of one commit arrive together: what comes after a silence like this belongs to the next. */
const COMMIT_GAP_MS = 5;

const QUANTILES = [0.5, 0.9, 0.99, 1];

/** Measured times of one run, in the order of arrival. */
async function timesWith(bench: Bench, windowMs: number): Promise<Times> {
  bench.say(`COMMIT_WINDOW_MS=${windowMs}`);
  const job = {
    devices: DEVICES,
    readingsPerSecond: READINGS_PER_SECOND,
    warmUpMs: WARM_UP_MS,
    measureMs: bench.short ? 8_000 : 30_000,
    stamped: true,
  };
  const gateway = await startLoadedGateway(bench.scope, job, { COMMIT_WINDOW_MS: String(windowMs) });
  await waitUntil(gateway.begun.measureToMs);
  const { acknowledged } = await gateway.reports.done();
  await receivedBy(gateway.client, acknowledged);
  const times = await gateway.client.ask<Times>({ times: true });
  await gateway.daemon.stop();
  const { measureFromMs, measureToMs } = gateway.begun;
  return times.filter(({ sentAtMs }) => sentAtMs >= measureFromMs && sentAtMs < measureToMs);
}

const latencies = (times: Times) => times.map(({ sentAtMs, receivedAtMs }) => receivedAtMs - sentAtMs);

/** The last reading of each commit: it has not waited for the window, only come just in time. */
function lastOfEachCommit(times: Times): Times {
  return times.filter(({ receivedAtMs }, index) => {
    const next = times[index + 1];
    return next !== undefined && next.receivedAtMs - receivedAtMs > COMMIT_GAP_MS;
  });
}

async function run(bench: Bench): Promise<Section> {
  const windowed = await timesWith(bench, WINDOW_DEFAULT_MS);
  const unwindowed = await timesWith(bench, 0);
  const measured = latencies(windowed);
  const beyond = measured.map((each) => Math.max(0, each - WINDOW_DEFAULT_MS));
  const last = latencies(lastOfEachCommit(windowed));
  const without = latencies(unwindowed);
  const row = (name: string, samples: number[]) => [
    name,
    ...QUANTILES.map((q) => ms(quantile(samples, q))),
    count(samples.length),
  ];
  const aims = [
    { name: `beyond the window of ${WINDOW_DEFAULT_MS} ms`, samples: beyond },
    { name: 'of the last reading in each commit', samples: last },
    { name: 'without a window', samples: without },
  ].flatMap(({ name, samples }) => [
    {
      what: `p50 ${name}`,
      aim: `≤ ${AIM_P50_MS} ms`,
      measured: ms(quantile(samples, 0.5)),
      met: quantile(samples, 0.5) <= AIM_P50_MS,
    },
    {
      what: `p99 ${name}`,
      aim: `≤ ${AIM_P99_MS} ms`,
      measured: ms(quantile(samples, 0.99)),
      met: quantile(samples, 0.99) <= AIM_P99_MS,
    },
  ]);
  return {
    title: `Latency: from the device to the client, at ${count(READINGS_PER_SECOND)} readings a second`,
    aims,
    tables: [
      {
        title: 'From `report` in the add-on to the `data` event in the client',
        rows: [
          ['', 'p50', 'p90', 'p99', 'max', 'samples'],
          row(`COMMIT_WINDOW_MS=${WINDOW_DEFAULT_MS} (default): measured`, measured),
          row(`… less the ${WINDOW_DEFAULT_MS} ms that a reading waits for the window at most`, beyond),
          row('… of the last reading in each commit, which has not waited', last),
          row('COMMIT_WINDOW_MS=0: measured', without),
        ],
      },
    ],
    notes: [
      `At most one commit begins in each ${WINDOW_DEFAULT_MS} ms, so a reading that comes at a random moment waits ${WINDOW_DEFAULT_MS / 2} ms on average, and at most ${WINDOW_DEFAULT_MS} ms. A lone reading after a quiet time waits for nothing: the edge leads.`,
      'The row without a window is the honest one for what the gateway itself takes, for there a reading waits for nothing but the commit that is under way.',
    ],
    how: [
      `As in ingest, but ${count(READINGS_PER_SECOND)} readings a second, paced by a timer of 1 ms over ${DEVICES} devices, for ${bench.short ? 8 : 30} s after ${WARM_UP_MS / 1_000} s of warm-up.`,
      'The add-on puts the time of `report` into the data; the client takes the time of the `data` event. Both read CLOCK_MONOTONIC of the same machine, so no clock has to be compared with another. Everything lies between: SDK, broker, checks, commit with its fsync, socket.io, the client’s decoding.',
      `“The last reading in each commit” is the one before a silence of more than ${COMMIT_GAP_MS} ms on the client’s side.`,
    ],
  };
}

export const latency: Benchmark = { name: 'latency', run };
