/**
 * Which readings were measured by a clock that could not be right, on the connection that reads; and what the store
 * remembers of clocks. While there are none, that costs one look into an empty table.
 */
import type { ClockRecord } from '../../core/ports.ts';
import type { ClockMark } from '../../model/reading.ts';
import type { Database, Statement } from '../sqlite.ts';
import { ALL_MOVED, CLOCK_KEY } from './clock-tables.ts';

/** Readings looked at for when the last was measured: a few devices may have a clock of their own, and a wrong one. */
const LATEST = 15;

export class ClockMarks {
  readonly #database: Database;
  readonly #any: Statement;
  readonly #one: Statement;
  readonly #held: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#any = database.prepare('SELECT 1 FROM reading_unsure LIMIT 1');
    this.#one = database.prepare(`
      SELECT s.shift IS NOT NULL AND s.estimated AND u.seq <= s.moved AS estimated
      FROM reading_unsure AS u JOIN clock_stretch AS s ON s.k = u.stretch WHERE u.seq = ?`);
    this.#held = database.prepare(
      'SELECT min(max(start, moved + 1)) AS seq FROM clock_stretch WHERE moved < ?',
    );
  }

  /** Whether any reading has a mark: only then is it worth asking for one. */
  get any(): boolean {
    return this.#any.get() !== undefined;
  }

  of(seq: number): ClockMark | undefined {
    const row = this.#one.get(seq);
    if (!row) return undefined;
    return row['estimated'] === 1 ? 'estimated' : 'unsure';
  }

  /** The first reading whose time is to be put right still. */
  held(): number | undefined {
    const seq = this.#held.get(ALL_MOVED)?.['seq'];
    return seq == null ? undefined : Number(seq);
  }

  record(): ClockRecord {
    const kept = this.#database.prepare('SELECT value FROM meta WHERE key = ?').get(CLOCK_KEY);
    const stretches = this.#database
      .prepare('SELECT k, boot, offset, shift FROM clock_stretch ORDER BY k')
      .all();
    const latest = this.#database
      .prepare('SELECT ts FROM reading WHERE seq < ? ORDER BY seq DESC LIMIT ?')
      .all(this.held() ?? Number.MAX_SAFE_INTEGER, LATEST);
    return {
      right: kept && JSON.parse(String(kept['value'])),
      latestMs: latest.map(({ ts }) => Number(ts)),
      stretches: stretches.map(({ k, boot, offset, shift }) => ({
        k: Number(k),
        boot: String(boot),
        offsetMs: Number(offset),
        ...(shift === null ? {} : { shiftMs: Number(shift) }),
      })),
    };
  }
}
