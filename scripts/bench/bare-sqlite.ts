/**
 * `node:sqlite` and nothing around it: the rows of the store's largest table with its settings and its index, in
 * batches, for a time. Forked with: file, readings in a batch, milliseconds. Says `{rows, ms}`.
 */
import { DatabaseSync } from 'node:sqlite';
import { DEVICES } from './loaded-gateway.ts';
import { sampleReading } from './sample-reading.ts';

const [file = '', batch = '1000', forMs = '1000'] = process.argv.slice(2);
const TEXTS = 1_000;

const database = new DatabaseSync(file);
database.exec(`
  PRAGMA page_size=2048;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=FULL;
  PRAGMA cache_size=-4096;
  CREATE TABLE reading (seq INTEGER PRIMARY KEY AUTOINCREMENT, dev INTEGER NOT NULL, ts INTEGER NOT NULL,
    shape INTEGER NOT NULL, vals TEXT NOT NULL);
  CREATE INDEX reading_by_time ON reading (dev, ts);
`);
const insert = database.prepare('INSERT INTO reading (dev, ts, shape, vals) VALUES (?, ?, ?, ?)');
const texts = Array.from({ length: TEXTS }, (_, n) => JSON.stringify(Object.values(sampleReading(n))));
const firstTs = Date.now();

const startedAt = performance.now();
let rows = 0;
while (performance.now() - startedAt < Number(forMs)) {
  database.exec('BEGIN IMMEDIATE');
  for (let n = 0; n < Number(batch); n += 1, rows += 1) {
    insert.run(1 + (rows % DEVICES), firstTs + Math.floor(rows / DEVICES), 1, texts[rows % TEXTS] as string);
  }
  database.exec('COMMIT');
}
const ms = performance.now() - startedAt;
database.close();
process.send?.({ rows, ms }, () => process.exit(0));
