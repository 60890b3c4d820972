/**
 * What the cloud has not acknowledged yet, on disk as ranges of numbers. It is noted often and written seldom: with
 * the next commit of readings, which costs no fsync of its own, or when it is asked for. A power cut takes what was
 * not written: that is sent again. Runs in the writer thread.
 */
import type { SeqRange } from '../../model/relay.ts';
import { type Database, inTransaction, type Statement } from '../sqlite.ts';

/** Of readings, by their `seq` in the store; both included. */
export interface Stretch {
  from: number;
  to: number;
}

/** Commits take what was noted along so often at the most: each time is a page more to write. */
const WRITTEN_EVERY_MS = 1_000;

/** What is pending where nothing was noted so far. */
const ALL: SeqRange = { first: 1 };

export function pendingOnDisk(database: Database): SeqRange[] {
  const rows = database.prepare('SELECT first, last FROM relay_pending ORDER BY first').all();
  const ranges = rows.map(({ first, last }) =>
    last === null ? { first: Number(first) } : { first: Number(first), last: Number(last) },
  );
  return ranges.length === 0 ? [ALL] : ranges;
}

export class RelayProgress {
  readonly #database: Database;
  #pending: readonly SeqRange[];
  #isNoted = false;
  #writtenAt = Number.NEGATIVE_INFINITY;
  readonly #clear: Statement;
  readonly #add: Statement;
  readonly #prune: Statement;
  readonly #runs: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#pending = pendingOnDisk(database);
    this.#clear = database.prepare('DELETE FROM relay_pending');
    this.#add = database.prepare('INSERT INTO relay_pending VALUES (?, ?)');
    // the run that the first pending number lies in stays, and so does the last one: it tells what was given out
    this.#prune = database.prepare(
      'DELETE FROM relay_run WHERE cloud < (SELECT max(cloud) FROM relay_run WHERE cloud <= ?)',
    );
    this.#runs = database.prepare(`
      SELECT cloud, start, until FROM relay_run WHERE start <= ?2
        AND start >= coalesce((SELECT max(start) FROM relay_run WHERE start <= ?1), 0) ORDER BY start`);
  }

  note(pending: readonly SeqRange[]): void {
    this.#pending = pending;
    this.#isNoted = true;
  }

  /** Writes what was noted, if it is time; belongs into a transaction. @returns what to call when that was committed */
  write(): () => void {
    const isDue = performance.now() - this.#writtenAt >= WRITTEN_EVERY_MS;
    return this.#isNoted && isDue ? this.#writeNow() : () => undefined;
  }

  /** Writes what was noted in a transaction of its own, if no commit has done so meanwhile. */
  save(): void {
    if (this.#isNoted) inTransaction(this.#database, () => this.#writeNow())();
  }

  #writeNow(): () => void {
    const pending = this.#pending;
    this.#clear.run();
    for (const { first, last } of pending) this.#add.run(first, last ?? null);
    this.#prune.run(pending[0]?.first ?? 1);
    return () => {
      this.#writtenAt = performance.now();
      if (this.#pending === pending) this.#isNoted = false;
    };
  }

  /** Which of the readings from `from` to `to` the cloud has not got yet. */
  pendingAmong({ from, to }: Stretch): Stretch[] {
    const found: Stretch[] = [];
    for (const row of this.#runs.all(from, to)) {
      const [cloud, start] = [Number(row['cloud']), Number(row['start'])];
      const end = row['until'] === null ? to : Number(row['until']) - 1;
      const offset = start - cloud;
      for (const { first, last = Number.MAX_SAFE_INTEGER } of this.#pending) {
        const stretch = {
          from: Math.max(from, start, first + offset),
          to: Math.min(to, end, last + offset),
        };
        if (stretch.from <= stretch.to) found.push(stretch);
      }
    }
    return found;
  }
}
