/**
 * `node:sqlite` and nothing around it: commits of one row at random moments, with the store's settings; and in turn with
 * them the disk alone: 4 KiB written in place, and fdatasync. Forked with: file, commits, commits a second. Says how
 * many milliseconds each took, as `BareTimes`.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { sampleReading } from './sample-reading.ts';

export interface BareTimes {
  commits: number[];
  writes: number[];
}

const BLOCK_BYTES = 4_096;
const BLOCKS = 500;

const [file = '', total = '100', perSecond = '20'] = process.argv.slice(2);

const database = new DatabaseSync(file);
database.exec(`
  PRAGMA page_size=2048;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=FULL;
  CREATE TABLE reading (seq INTEGER PRIMARY KEY AUTOINCREMENT, dev INTEGER NOT NULL, ts INTEGER NOT NULL,
    vals TEXT NOT NULL);
  CREATE INDEX reading_by_time ON reading (dev, ts);
`);
const insert = database.prepare('INSERT INTO reading (dev, ts, vals) VALUES (?, ?, ?)');

const plain = openSync(`${file}.plain`, 'w');
writeSync(plain, Buffer.alloc(BLOCKS * BLOCK_BYTES));
fsyncSync(plain);
const block = Buffer.alloc(BLOCK_BYTES, 1);

const commits: number[] = [];
const writes: number[] = [];
const gap = () => pause((-Math.log(1 - Math.random()) * 1_000) / Number(perSecond));
for (let n = 0; n < Number(total); n += 1) {
  await gap();
  const startedAt = performance.now();
  database.exec('BEGIN IMMEDIATE');
  insert.run(n % 200, Date.now(), JSON.stringify(Object.values(sampleReading(n))));
  database.exec('COMMIT');
  commits.push(performance.now() - startedAt);
  await gap();
  const wroteAt = performance.now();
  writeSync(plain, block, 0, BLOCK_BYTES, (n % BLOCKS) * BLOCK_BYTES);
  fdatasyncSync(plain);
  writes.push(performance.now() - wroteAt);
}
database.close();
closeSync(plain);
process.send?.({ commits, writes } satisfies BareTimes, () => process.exit(0));
