/**
 * Fills a store through the product's own writer: readings of all devices in turn, spread evenly over the time up to
 * now. Forked with: file, ids of its devices separated by commas, readings, readings in a batch, milliseconds that
 * they are spread over. Says `{ms, firstTs, lastTs}`.
 */
import { openMigrated } from '../../src/store/migrations.ts';
import { ReadingPacks } from '../../src/store/reading-packs.ts';
import { ReadingWriter } from '../../src/store/reading-writer.ts';
import type { QueuedReading } from '../../src/store/writer-messages.ts';
import { sampleReading } from './sample-reading.ts';

export interface Built {
  ms: number;
  firstTs: number;
  lastTs: number;
}

const [file = '', ids = '', readings = '0', batch = '0', spreadMs = '0'] = process.argv.slice(2);
const deviceIds = ids.split(',');
const total = Number(readings);
const lastTs = Date.now();
const firstTs = lastTs - Number(spreadMs);

function reading(n: number): QueuedReading {
  return {
    addon: 'bench',
    deviceId: deviceIds[n % deviceIds.length] as string,
    id: `b${n}`,
    ts: firstTs + Math.floor((n / total) * Number(spreadMs)),
    data: sampleReading(n),
  };
}

const startedAt = performance.now();
const database = await openMigrated(file);
const packs = new ReadingPacks(database);
const writer = new ReadingWriter(database, packs);
writer.load();
for (let from = 0; from < total; from += Number(batch)) {
  const n = Math.min(Number(batch), total - from);
  writer.write(Array.from({ length: n }, (_, index) => reading(from + index)));
}
database.close();
const built: Built = { ms: performance.now() - startedAt, firstTs, lastTs };
process.send?.(built, () => process.exit(0));
