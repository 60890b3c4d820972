/**
 * Readings that were stored while the clock of the box could not be right. Each has a mark that says by which stretch
 * of which run of the box it was measured. When the clock is right, it is known by how much it was wrong in that run:
 * the readings are moved by as much, with all that goes by their time, and lose their mark. Those of an earlier run whose
 * clock was never right get the latest times that they can have had, and keep the mark. Lives in the writer thread.
 *
 * What is decided is on disk before anything is moved, and each step moves its readings whole: a reading has either its
 * old time and counts as unsure, or its new one. A kill in between goes on where it was.
 */
import type { ClockOffset } from '../../core/ports.ts';
import { type ClockStretch, TS_MAX_MS } from '../../model/reading.ts';
import type { ReadingPacks } from '../history/reading-packs.ts';
import { HOUR_MS } from '../hours.ts';
import { type Database, inTransaction, type Statement } from '../sqlite.ts';
import type { RedateStep } from '../writer-messages.ts';
import { ALL_MOVED } from './clock-tables.ts';

/** Readings that are moved in one transaction: about a second of work. Most gateways never have more. */
const MOVED_AT_ONCE = 100_000;

/** Readings of one device that are moved: from when to when they were. */
interface Span {
  dev: number;
  from: number;
  to: number;
}

interface Moving {
  k: number;
  shift: number;
  estimated: boolean;
  moved: number;
}

export class ClockStretches {
  readonly #database: Database;
  readonly #packs: ReadingPacks;
  readonly #movedAtOnce: number;
  /** By how much readings of a stretch are to be moved, where that is decided. */
  readonly #shifts = new Map<number, number>();
  readonly #begin: Statement;
  readonly #mark: Statement;

  constructor(parts: { database: Database; packs: ReadingPacks; movedAtOnce?: number }) {
    const { database, packs, movedAtOnce = MOVED_AT_ONCE } = parts;
    this.#database = database;
    this.#packs = packs;
    this.#movedAtOnce = movedAtOnce;
    this.#begin = database.prepare(
      'INSERT OR IGNORE INTO clock_stretch (k, boot, offset, start) VALUES (?, ?, ?, ?)',
    );
    this.#mark = database.prepare('INSERT INTO reading_unsure (seq, stretch) VALUES (?, ?)');
    for (const { k, shift } of database
      .prepare('SELECT k, shift FROM clock_stretch WHERE shift IS NOT NULL AND estimated = 0')
      .all())
      this.#shifts.set(Number(k), Number(shift));
  }

  /** When a reading was measured, by what is known of that stretch now. */
  timeOf(ts: number, stretch: ClockStretch | undefined): number {
    const shift = stretch && this.#shifts.get(stretch.k);
    return shift === undefined ? ts : within(ts + shift);
  }

  /** The reading `seq` of an unsure time was stored; belongs into its transaction. */
  stored(seq: number, { k, boot, offsetMs }: ClockStretch): void {
    if (this.#shifts.has(k)) return;
    this.#begin.run(k, boot, offsetMs, seq);
    this.#mark.run(seq, k);
  }

  /**
   * Decides by how much each stretch was wrong where that is open, and moves what one transaction takes.
   * @param right the clock as it is now
   */
  redate(right: ClockOffset | null): RedateStep {
    const shifts = new Map<number, number>();
    const step = inTransaction(this.#database, () => {
      if (right) this.#decide(right, shifts);
      return this.#move();
    });
    for (const [k, shift] of shifts) this.#shifts.set(k, shift);
    return step;
  }

  #decide({ boot, offsetMs }: ClockOffset, shifts: Map<number, number>): void {
    // what is over, of other runs, is of no use to anybody
    this.#database
      .prepare(`
        DELETE FROM clock_stretch WHERE moved = ? AND boot <> ?
          AND NOT EXISTS (SELECT 1 FROM reading_unsure WHERE stretch = k)`)
      .run(ALL_MOVED, boot);
    const decide = this.#database.prepare('UPDATE clock_stretch SET shift = ?, estimated = ? WHERE k = ?');
    const open = this.#database
      .prepare('SELECT k, boot, offset FROM clock_stretch WHERE shift IS NULL ORDER BY k DESC')
      .all();
    for (const row of open) {
      if (String(row['boot']) !== boot) continue;
      const [k, shift] = [Number(row['k']), offsetMs - Number(row['offset'])];
      decide.run(shift, 0, k);
      shifts.set(k, shift);
    }
    // a run that is over was followed by another, which began when it had ended
    let nextBeganAt = offsetMs;
    const earlier = Map.groupBy(
      open.filter((row) => String(row['boot']) !== boot),
      (row) => String(row['boot']),
    );
    for (const stretches of earlier.values()) {
      const lastedMs = Math.max(...stretches.map((row) => this.#lastOf(row) - Number(row['offset'])));
      nextBeganAt -= Math.max(0, lastedMs);
      for (const row of stretches) decide.run(nextBeganAt - Number(row['offset']), 1, Number(row['k']));
    }
  }

  /** When the last reading of a stretch was measured, as its clock said. */
  #lastOf({ k, offset }: Record<string, unknown>): number {
    const row = this.#database
      .prepare(
        'SELECT max(r.ts) AS ts FROM reading_unsure AS u JOIN reading AS r ON r.seq = u.seq WHERE u.stretch = ?',
      )
      .get(Number(k));
    return Number(row?.['ts'] ?? offset);
  }

  #move(): RedateStep {
    const step: RedateStep = { moved: 0, estimated: 0, more: false };
    while (step.moved < this.#movedAtOnce) {
      const moving = this.#moving();
      if (!moving) return step;
      const moved = this.#moveSome(moving, this.#movedAtOnce - step.moved);
      step.moved += moved;
      if (moving.estimated) step.estimated += moved;
    }
    return { ...step, more: this.#moving() !== undefined };
  }

  #moving(): Moving | undefined {
    const row = this.#database
      .prepare(
        'SELECT k, shift, estimated, moved FROM clock_stretch WHERE shift IS NOT NULL AND moved < ? ORDER BY k LIMIT 1',
      )
      .get(ALL_MOVED);
    return (
      row && {
        k: Number(row['k']),
        shift: Number(row['shift']),
        estimated: row['estimated'] === 1,
        moved: Number(row['moved']),
      }
    );
  }

  /** @returns how many; the stretch is over when that is less than `max` */
  #moveSome({ k, shift, estimated, moved }: Moving, max: number): number {
    const chunk = this.#database
      .prepare(`
        SELECT max(seq) AS last, count(*) AS n FROM
          (SELECT seq FROM reading_unsure WHERE seq > ? AND stretch = ? ORDER BY seq LIMIT ?)`)
      .get(moved, k, max);
    const n = Number(chunk?.['n'] ?? 0);
    const last = Number(chunk?.['last'] ?? 0);
    // one that loses its mark may be packed, also where its time was right
    if (n > 0 && (shift !== 0 || !estimated)) this.#shiftTimes({ k, from: moved + 1, to: last }, shift);
    if (n > 0 && !estimated)
      this.#database
        .prepare('DELETE FROM reading_unsure WHERE seq > ? AND seq <= ? AND stretch = ?')
        .run(moved, last, k);
    this.#database
      .prepare('UPDATE clock_stretch SET moved = ? WHERE k = ?')
      .run(n < max ? ALL_MOVED : last, k);
    return n;
  }

  #shiftTimes({ k, from, to }: { k: number; from: number; to: number }, shift: number): void {
    const chosen = 'SELECT seq FROM reading_unsure WHERE seq BETWEEN ? AND ? AND stretch = ?';
    const spans = this.#count(`seq IN (${chosen})`, [from, to, k], -1);
    if (shift !== 0)
      this.#database
        .prepare(`UPDATE reading SET ts = max(0, min(?, ts + ?)) WHERE seq IN (${chosen})`)
        .run(TS_MAX_MS, shift, from, to, k);
    this.#count(`seq IN (${chosen})`, [from, to, k], 1);
    for (const { dev, from: first, to: latest } of spans) {
      this.#packs.deleted(dev, first, latest);
      this.#packs.deleted(dev, within(first + shift), within(latest + shift));
      this.#packs.prune(dev);
    }
    this.#database.exec('DELETE FROM reading_count WHERE n <= 0');
  }

  /** Adds these readings to the counts by hour, or takes them off. */
  #count(where: string, values: number[], sign: 1 | -1): Span[] {
    const add = this.#database.prepare(
      'INSERT INTO reading_count VALUES (?, ?, ?) ON CONFLICT (dev, hour) DO UPDATE SET n = n + excluded.n',
    );
    const spans = new Map<number, Span>();
    for (const row of this.#database
      .prepare(`
        SELECT dev, ts / ${HOUR_MS} AS hour, count(*) AS n, min(ts) AS first, max(ts) AS last
        FROM reading WHERE ${where} GROUP BY 1, 2`)
      .all(...values)) {
      const [dev, first, last] = [Number(row['dev']), Number(row['first']), Number(row['last'])];
      add.run(dev, Number(row['hour']), sign * Number(row['n']));
      const span = spans.get(dev) ?? { dev, from: first, to: last };
      spans.set(dev, { dev, from: Math.min(span.from, first), to: Math.max(span.to, last) });
    }
    return [...spans.values()];
  }
}

function within(ts: number): number {
  return Math.max(0, Math.min(TS_MAX_MS, ts));
}
