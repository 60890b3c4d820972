/**
 * Deletes what is too old, too much, or of a device that is gone: in chunks, so that a commit never waits long.
 * Runs in the writer thread. Age is told by whole hours, size by the pages in use. What is too old goes whether the
 * cloud has got it or not; where there is too much, what the cloud has not got goes last.
 */

import type { ReadingPacks } from './history/reading-packs.ts';
import { HOUR_MS } from './hours.ts';
import type { RelayProgress, Stretch } from './relay/relay-progress.ts';
import { type Database, inTransaction, type Statement } from './sqlite.ts';
import type { RetentionLimits, RetentionStep } from './writer-messages.ts';

/** Most readings deleted in one transaction. */
const CHUNK_READINGS = 5_000;
/** Chunks of which nothing may go that one step passes over: some 10 ms of work. */
const SPARED_CHUNKS_A_STEP = 1_000;

export interface RetentionParts {
  database: Database;
  packs: ReadingPacks;
  progress: RelayProgress;
}

/** What one chunk came to. */
interface Chunk {
  deleted: number;
  /** Of these, what the cloud had not got. */
  notRelayed: number;
  /** The last reading that was looked at; undefined: there is none further on. */
  last: number | undefined;
}

const NOTHING: RetentionStep = { deletedByAge: 0, deletedBySize: 0, notRelayed: 0, more: false };

export class Retention {
  readonly #database: Database;
  readonly #progress: RelayProgress;
  readonly #packs: ReadingPacks;
  readonly #expired: Statement;
  readonly #chunkEnd: Statement;
  readonly #gone: Statement;
  readonly #count: Statement;
  readonly #ends: Statement;
  readonly #marked: Statement;
  /** Where the walk for expired readings stands: chunks before it held none that were left to delete. */
  #walkedTo = 0;
  /** The same for readings that may go because there are too many: before it all wait for the cloud. */
  #sparedTo = 0;

  constructor({ database, packs, progress }: RetentionParts) {
    this.#database = database;
    this.#packs = packs;
    this.#progress = progress;
    this.#expired = database.prepare('SELECT coalesce(sum(n), 0) AS n FROM reading_count WHERE hour < ?');
    this.#chunkEnd = database.prepare(
      'SELECT max(seq) AS last FROM (SELECT seq FROM reading WHERE seq > ? ORDER BY seq LIMIT ?)',
    );
    this.#ends = database.prepare(
      'SELECT (SELECT min(seq) FROM reading) AS oldest, (SELECT max(seq) FROM reading) AS newest',
    );
    this.#count = database.prepare('SELECT count(*) AS n FROM reading WHERE seq BETWEEN ? AND ? AND ts < ?');
    this.#marked = database.prepare('SELECT 1 FROM reading_unsure LIMIT 1');
    this.#gone = database.prepare('SELECT k FROM device WHERE record IS NULL LIMIT 1');
  }

  /** One chunk of work at the most; `more` tells whether to call again. */
  step({ beforeMs, maxBytes }: RetentionLimits): RetentionStep {
    const gone = this.#gone.get();
    if (gone) {
      this.#forgetDevice(Number(gone['k']));
      return { ...NOTHING, more: true };
    }
    if (Number(this.#expired.get(Math.floor(beforeMs / HOUR_MS))?.['n']) > 0) {
      const { deleted: deletedByAge, notRelayed } = this.#deleteExpired(beforeMs);
      // a walk that reached the end has seen everything there is
      if (deletedByAge > 0 || this.#walkedTo > 0)
        return { ...NOTHING, deletedByAge, notRelayed, more: this.#walkedTo > 0 };
    }
    this.#walkedTo = 0;
    if (this.#usedBytes() > maxBytes) {
      const { deleted: deletedBySize, notRelayed, last } = this.#deleteSurplus();
      return { ...NOTHING, deletedBySize, notRelayed, more: last !== undefined };
    }
    this.#sparedTo = 0;
    return NOTHING;
  }

  /** Walks on in the order of storing: what is expired lies almost always at the front. */
  #deleteExpired(beforeMs: number): Chunk {
    const stretch = this.#chunkAfter(this.#walkedTo);
    this.#walkedTo = stretch?.to ?? 0;
    if (!stretch) return { deleted: 0, notRelayed: 0, last: undefined };
    const notRelayed = this.#notRelayed(stretch, beforeMs);
    const { from, to } = stretch;
    const deleted = this.#deleteBy([['seq >= ? AND seq <= ? AND ts < ?', [from, to, beforeMs]]]);
    return { deleted, notRelayed, last: stretch.to };
  }

  /** The oldest that do not wait for the cloud; where none are left, the oldest of all. */
  #deleteSurplus(): Chunk {
    const { oldest, newest } = this.#bounds();
    this.#sparedTo = Math.max(this.#sparedTo, oldest - 1);
    for (let chunks = 0; chunks < SPARED_CHUNKS_A_STEP; chunks += 1) {
      if (this.#sparedTo >= newest) return this.#deleteOldest();
      const stretch = { from: this.#sparedTo + 1, to: Math.min(this.#sparedTo + CHUNK_READINGS, newest) };
      this.#sparedTo = stretch.to;
      const free = apart(stretch, this.#progress.pendingAmong(stretch));
      const deleted = free.length === 0 ? 0 : this.#delete(free);
      if (deleted > 0) return { deleted, notRelayed: 0, last: stretch.to };
    }
    return { deleted: 0, notRelayed: 0, last: this.#sparedTo };
  }

  #deleteOldest(): Chunk {
    const stretch = this.#chunkAfter(0);
    if (!stretch) return { deleted: 0, notRelayed: 0, last: undefined };
    const notRelayed = this.#notRelayed(stretch, Number.MAX_SAFE_INTEGER);
    const deleted = this.#delete([stretch]);
    return { deleted, notRelayed, last: stretch.to };
  }

  /** How many of a stretch, measured before `beforeMs`, the cloud has not got. */
  #notRelayed(stretch: Stretch, beforeMs: number): number {
    return this.#progress
      .pendingAmong(stretch)
      .reduce((sum, { from, to }) => sum + Number(this.#count.get(from, to, beforeMs)?.['n']), 0);
  }

  /** The next readings in the order of storing, a chunk of them. */
  #chunkAfter(after: number): Stretch | undefined {
    const last = this.#chunkEnd.get(after, CHUNK_READINGS)?.['last'];
    return last == null ? undefined : { from: after + 1, to: Number(last) };
  }

  #forgetDevice(k: number): void {
    const bounds = this.#database
      .prepare(
        'SELECT max(ts) AS last, count(*) AS n FROM (SELECT ts FROM reading WHERE dev = ? ORDER BY ts LIMIT ?)',
      )
      .get(k, CHUNK_READINGS);
    if (Number(bounds?.['n']) === CHUNK_READINGS) {
      this.#deleteBy([['dev = ? AND ts <= ?', [k, Number(bounds?.['last'])]]]);
      return;
    }
    inTransaction(this.#database, () => {
      this.#unmark('dev = ?', [k]);
      for (const table of ['reading', 'reading_count', 'device_shape']) {
        this.#database.prepare(`DELETE FROM ${table} WHERE dev = ?`).run(k);
      }
      this.#packs.prune(k);
      this.#database.prepare('DELETE FROM device WHERE k = ?').run(k);
    });
  }

  /** Numbers of the oldest and the newest reading; 1 and 0 where there is none. */
  #bounds(): { oldest: number; newest: number } {
    const row = this.#ends.get();
    return { oldest: Number(row?.['oldest'] ?? 1), newest: Number(row?.['newest'] ?? 0) };
  }

  #delete(stretches: readonly Stretch[]): number {
    return this.#deleteBy(stretches.map(({ from, to }) => ['seq >= ? AND seq <= ?', [from, to]]));
  }

  /** Deletes the readings that match, and takes them off the counts, in one transaction. */
  #deleteBy(conditions: readonly (readonly [where: string, values: number[]])[]): number {
    return inTransaction(this.#database, () => {
      const deleted = conditions.reduce((sum, [where, values]) => sum + this.#deleteWhere(where, values), 0);
      if (deleted > 0) this.#database.exec('DELETE FROM reading_count WHERE n <= 0');
      return deleted;
    });
  }

  #deleteWhere(where: string, values: number[]): number {
    const hours = this.#database
      .prepare(`SELECT dev, ts / ${HOUR_MS} AS hour, count(*) AS n FROM reading WHERE ${where} GROUP BY 1, 2`)
      .all(...values);
    if (hours.length === 0) return 0;
    this.#unmark(where, values);
    const uncount = this.#database.prepare('UPDATE reading_count SET n = n - ? WHERE dev = ? AND hour = ?');
    for (const row of hours) {
      const [dev, hour, n] = [Number(row['dev']), Number(row['hour']), Number(row['n'])];
      uncount.run(n, dev, hour);
      this.#packs.deleted(dev, hour * HOUR_MS, (hour + 1) * HOUR_MS - 1);
    }
    const { changes } = this.#database.prepare(`DELETE FROM reading WHERE ${where}`).run(...values);
    for (const dev of new Set(hours.map((row) => Number(row['dev'])))) this.#packs.prune(dev);
    return Number(changes);
  }

  /** Readings that are deleted need no mark of their time. */
  #unmark(where: string, values: number[]): void {
    if (!this.#marked.get()) return;
    this.#database
      .prepare(`DELETE FROM reading_unsure WHERE seq IN (SELECT seq FROM reading WHERE ${where})`)
      .run(...values);
  }

  #usedBytes(): number {
    const pragma = (name: string) => Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name]);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }
}

/** What is left of a stretch without those within it, which are in their order. */
function apart(stretch: Stretch, without: readonly Stretch[]): Stretch[] {
  const left: Stretch[] = [];
  let from = stretch.from;
  for (const { from: begin, to: end } of without) {
    if (begin > from) left.push({ from, to: begin - 1 });
    from = end + 1;
  }
  if (from <= stretch.to) left.push({ from, to: stretch.to });
  return left;
}
