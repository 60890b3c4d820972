/**
 * `node:sqlite` and nothing around it: commits of one row at random moments, with the store's settings. Forked with:
 * file, commits, commits a second. Says how many milliseconds each took.
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { sampleReading } from './sample-reading.ts';

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

const times: number[] = [];
for (let n = 0; n < Number(total); n += 1) {
  await pause((-Math.log(1 - Math.random()) * 1_000) / Number(perSecond));
  const startedAt = performance.now();
  database.exec('BEGIN IMMEDIATE');
  insert.run(n % 200, Date.now(), JSON.stringify(Object.values(sampleReading(n))));
  database.exec('COMMIT');
  times.push(performance.now() - startedAt);
}
database.close();
process.send?.(times, () => process.exit(0));
