/**
 * Deletes what is too old, too much, or of a device that is gone: in chunks, so that a commit never waits long.
 * Runs in the writer thread. Age is told by whole hours, size by the pages in use.
 */
import type { ReadingPacks } from './reading-packs.ts';
import { HOUR_MS } from './reading-writer.ts';
import { type Database, inTransaction, type Statement } from './sqlite.ts';
import type { RetentionLimits, RetentionStep } from './writer-messages.ts';

/** Most readings deleted in one transaction. */
const CHUNK_READINGS = 5_000;

export class Retention {
  readonly #database: Database;
  readonly #packs: ReadingPacks;
  readonly #expired: Statement;
  readonly #chunkEnd: Statement;
  readonly #gone: Statement;
  /** Where the walk for expired readings stands: chunks before it held none that were left to delete. */
  #walkedTo = 0;

  constructor(database: Database, packs: ReadingPacks) {
    this.#database = database;
    this.#packs = packs;
    this.#expired = database.prepare('SELECT coalesce(sum(n), 0) AS n FROM reading_count WHERE hour < ?');
    this.#chunkEnd = database.prepare(
      'SELECT max(seq) AS last FROM (SELECT seq FROM reading WHERE seq > ? ORDER BY seq LIMIT ?)',
    );
    this.#gone = database.prepare('SELECT k FROM device WHERE record IS NULL LIMIT 1');
  }

  /** One chunk of work at the most; `more` tells whether to call again. */
  step({ beforeMs, maxBytes }: RetentionLimits): RetentionStep {
    const gone = this.#gone.get();
    if (gone) {
      this.#forgetDevice(Number(gone['k']));
      return { deletedByAge: 0, deletedBySize: 0, more: true };
    }
    if (Number(this.#expired.get(Math.floor(beforeMs / HOUR_MS))?.['n']) > 0) {
      const deletedByAge = this.#deleteExpired(beforeMs);
      // a walk that reached the end has seen everything there is
      if (deletedByAge > 0 || this.#walkedTo > 0)
        return { deletedByAge, deletedBySize: 0, more: this.#walkedTo > 0 };
    }
    this.#walkedTo = 0;
    if (this.#usedBytes() > maxBytes) {
      const deletedBySize = this.#deleteChunk(0, Number.MAX_SAFE_INTEGER).deleted;
      return { deletedByAge: 0, deletedBySize, more: deletedBySize > 0 };
    }
    return { deletedByAge: 0, deletedBySize: 0, more: false };
  }

  /** Walks on in the order of storing: what is expired lies almost always at the front. */
  #deleteExpired(beforeMs: number): number {
    const { deleted, last } = this.#deleteChunk(this.#walkedTo, beforeMs);
    this.#walkedTo = last ?? 0;
    return deleted;
  }

  #deleteChunk(after: number, beforeMs: number): { deleted: number; last: number | undefined } {
    const row = this.#chunkEnd.get(after, CHUNK_READINGS);
    if (row?.['last'] == null) return { deleted: 0, last: undefined };
    const last = Number(row['last']);
    const deleted = this.#delete('seq > ? AND seq <= ? AND ts < ?', [after, last, beforeMs]);
    return { deleted, last };
  }

  #forgetDevice(k: number): void {
    const bounds = this.#database
      .prepare(
        'SELECT max(ts) AS last, count(*) AS n FROM (SELECT ts FROM reading WHERE dev = ? ORDER BY ts LIMIT ?)',
      )
      .get(k, CHUNK_READINGS);
    if (Number(bounds?.['n']) === CHUNK_READINGS) {
      this.#delete('dev = ? AND ts <= ?', [k, Number(bounds?.['last'])]);
      return;
    }
    inTransaction(this.#database, () => {
      for (const table of ['reading', 'reading_count', 'device_shape']) {
        this.#database.prepare(`DELETE FROM ${table} WHERE dev = ?`).run(k);
      }
      this.#packs.prune(k);
      this.#database.prepare('DELETE FROM device WHERE k = ?').run(k);
    });
  }

  /** Deletes the readings that `where` matches, and takes them off the counts, in one transaction. */
  #delete(where: string, values: number[]): number {
    return inTransaction(this.#database, () => {
      const hours = this.#database
        .prepare(
          `SELECT dev, ts / ${HOUR_MS} AS hour, count(*) AS n FROM reading WHERE ${where} GROUP BY 1, 2`,
        )
        .all(...values);
      const uncount = this.#database.prepare('UPDATE reading_count SET n = n - ? WHERE dev = ? AND hour = ?');
      for (const row of hours) {
        const [dev, hour, n] = [Number(row['dev']), Number(row['hour']), Number(row['n'])];
        uncount.run(n, dev, hour);
        this.#packs.deleted(dev, hour * HOUR_MS, (hour + 1) * HOUR_MS - 1);
      }
      this.#database.exec('DELETE FROM reading_count WHERE n <= 0');
      const { changes } = this.#database.prepare(`DELETE FROM reading WHERE ${where}`).run(...values);
      for (const dev of new Set(hours.map((row) => Number(row['dev'])))) this.#packs.prune(dev);
      return Number(changes);
    });
  }

  #usedBytes(): number {
    const pragma = (name: string) => Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name]);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }
}
