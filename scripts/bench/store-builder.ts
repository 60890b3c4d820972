/**
 * Fills a store through the product's own writer, and packs it as the daemon would. Forked with a `Plan` as JSON. Says
 * `{ms, firstTs, lastTs}`.
 */

import { ReadingPacks } from '../../src/store/history/reading-packs.ts';
import { openMigrated } from '../../src/store/migrations.ts';
import { ReadingWriter } from '../../src/store/reading-writer.ts';
import { RelayProgress } from '../../src/store/relay/relay-progress.ts';
import { RelayRuns } from '../../src/store/relay/relay-runs.ts';
import type { QueuedReading } from '../../src/store/writer-messages.ts';
import { type HouseReading, houseReadings } from './house.ts';
import { sampleReading } from './sample-reading.ts';

export interface Plan {
  file: string;
  /** Ids of its devices, in order. */
  ids: string[];
  readings: number;
  /** Readings in a batch. */
  batch: number;
  /** Of the last reading, or a little before. */
  lastTs: number;
  /** Devices in turn, spread evenly over so long; absent: those of a house (`house.ts`). */
  spreadMs?: number;
  /** All of them wait for the cloud. */
  relayed?: boolean;
}

export interface Built {
  ms: number;
  firstTs: number;
  lastTs: number;
}

/** Batches between two rounds of packing. */
const BATCHES_A_ROUND = 50;

const plan = JSON.parse(process.argv[2] ?? '') as Plan;
const { file, ids, readings, batch, lastTs, spreadMs } = plan;

function* spreadReadings(spread: number): Generator<HouseReading> {
  for (let n = 0; n < readings; n += 1) {
    const ts = lastTs - spread + Math.floor((n / readings) * spread);
    yield { device: n % ids.length, ts, data: sampleReading(n) };
  }
}

const startedAt = performance.now();
const database = await openMigrated(file);
const packs = new ReadingPacks(database);
const writer = new ReadingWriter({
  database,
  packs,
  ...(plan.relayed
    ? {
        relay: {
          relaying: true,
          runs: new RelayRuns(database, true),
          progress: new RelayProgress(database),
        },
      }
    : {}),
});
writer.load();

const pack = () => {
  while (packs.step({ mend: false }));
};
const source = spreadMs === undefined ? houseReadings(readings, lastTs) : spreadReadings(spreadMs);
let firstTs: number | undefined;
let written = 0;
let waiting: QueuedReading[] = [];
for (const { device, ts, data } of source) {
  firstTs ??= ts;
  waiting.push({ addon: 'bench', deviceId: ids[device] as string, id: `b${written}`, ts, data });
  written += 1;
  if (waiting.length < batch && written < readings) continue;
  writer.write(waiting);
  waiting = [];
  if (written % (batch * BATCHES_A_ROUND) === 0) pack();
}
pack();
database.close();
const built: Built = { ms: performance.now() - startedAt, firstTs: firstTs ?? lastTs, lastTs };
process.send?.(built, () => process.exit(0));
