/**
 * Keeps the packs of readings (`reading-pack.ts`) in step with the readings, in the writer thread. The packs of a
 * device follow each other without a gap, up to its latest readings, which stay as they are until there are enough.
 *
 * A pack may go at any time: readings are then read row by row. Whoever adds or deletes a reading within a pack
 * loosens it in the same transaction, so that no history shows what is no more, or lacks what is there.
 *
 * A pack has no room for the mark of a clock that could not be right: readings with one stay rows.
 */

import { ClockMarks } from '../clock/clock-marks.ts';
import { WHOLE_SKELETON } from '../reading-shape.ts';
import { type Database, inTransaction, type Statement } from '../sqlite.ts';
import { encodePack, type Pack } from './reading-pack.ts';

/** How packs are cut; smaller in tests. */
export interface PackSizes {
  /** Readings in a pack, at most. */
  readings: number;
  /** A device's latest readings stay out of packs: one that comes a little late must not loosen any. */
  latest: number;
}
const SIZES: PackSizes = { readings: 256, latest: 128 };
/** Packs made in one transaction: about 3 ms of work. */
const PACKS_A_STEP = 2;
/** Devices looked at in one step. */
const DEVICES_A_STEP = 100;
/** Longer readings on the average are not worth a second place on the disk. */
const AVERAGE_CHARS_MAX = 1_024;
/** In place of `shapes`: these readings are not packed, and need not be tried again. */
export const NOT_PACKED = 'rows';

/** A device's readings from `start` on, before `until`: milliseconds since 1970. */
interface Stretch {
  dev: number;
  start: number;
  until: number;
}

interface Row {
  seq: number;
  ts: number;
  shape: number;
  vals: string;
}

export class ReadingPacks {
  readonly #database: Database;
  readonly #sizes: PackSizes;
  /** Where each device's packs end; 0 where it has none. */
  readonly #ends = new Map<number, number>();
  readonly #end: Statement;
  readonly #loosen: Statement;
  readonly #devices: Statement;
  readonly #enough: Statement;
  readonly #rows: Statement;
  readonly #add: Statement;
  readonly #oldest: Statement;
  readonly #prune: Statement;
  readonly #loose: Statement;
  readonly #whole: Statement;
  readonly #marks: ClockMarks;
  /** Where the round over the devices stands. */
  #lookedAt = 0;

  constructor(database: Database, sizes: PackSizes = SIZES) {
    this.#database = database;
    this.#sizes = sizes;
    this.#end = database.prepare('SELECT until FROM reading_pack WHERE dev = ? ORDER BY start DESC LIMIT 1');
    // packs do not overlap: the first that may reach into the span is the last that begins before it
    this.#loosen = database.prepare(`
      UPDATE reading_pack SET shapes = NULL, body = NULL WHERE dev = ?1 AND start <= ?3 AND until > ?2
        AND start >= coalesce((SELECT max(start) FROM reading_pack WHERE dev = ?1 AND start <= ?2), 0)
        AND shapes IS NOT NULL`);
    this.#devices = database.prepare('SELECT k FROM device WHERE k > ? ORDER BY k LIMIT ?');
    this.#enough = database.prepare(
      'SELECT ts FROM reading WHERE dev = ? AND ts >= ? ORDER BY ts LIMIT 1 OFFSET ?',
    );
    this.#rows = database.prepare(
      'SELECT seq, ts, shape, vals FROM reading WHERE dev = ? AND ts >= ? AND ts < ? ORDER BY ts, seq LIMIT ?',
    );
    this.#add = database.prepare(
      'INSERT OR REPLACE INTO reading_pack (dev, start, until, shapes, body) VALUES (?, ?, ?, ?, ?)',
    );
    this.#oldest = database.prepare('SELECT min(ts) AS ts FROM reading WHERE dev = ?');
    this.#prune = database.prepare('DELETE FROM reading_pack WHERE dev = ? AND start < ?2 AND until <= ?2');
    // the first of a device stays loose: retention is about to delete its readings
    this.#loose = database.prepare(`
      SELECT dev, start, until FROM reading_pack AS pack WHERE shapes IS NULL
        AND EXISTS (SELECT 1 FROM reading_pack WHERE dev = pack.dev AND start < pack.start) LIMIT ?`);
    this.#whole = database.prepare('SELECT k FROM shape WHERE skeleton = ?');
    this.#marks = new ClockMarks(database);
  }

  /** A reading is stored; belongs into the same transaction. */
  added(dev: number, ts: number): void {
    if (ts < this.#endOf(dev)) this.#loosen.run(dev, ts, ts);
  }

  /** Readings from `from` to `to`, both inclusive, are deleted; belongs into the same transaction. */
  deleted(dev: number, from: number, to: number): void {
    this.#loosen.run(dev, from, to);
  }

  /** Forgets the packs before the device's oldest reading; belongs into the transaction that deletes. */
  prune(dev: number): void {
    this.#prune.run(dev, Number(this.#oldest.get(dev)?.['ts'] ?? Number.MAX_SAFE_INTEGER));
    this.#ends.delete(dev);
  }

  /**
   * A part of a round over all devices, in one transaction: packs what has come, and with `mend` also what was
   * loosened.
   * @returns whether the round goes on: call again
   */
  step({ mend }: { mend: boolean }): boolean {
    try {
      return inTransaction(this.#database, () => {
        const left = this.#packLatest(PACKS_A_STEP);
        if (left === undefined) return true;
        const mended = mend ? this.#mend(left) : 0;
        return mended > 0;
      });
    } catch (error) {
      // what was noted of ends may have been rolled back
      this.#ends.clear();
      throw error;
    }
  }

  /** @returns how many packs were left to make when the last device was done; undefined when it was not */
  #packLatest(packsMax: number): number | undefined {
    let left = packsMax;
    const devices = this.#devices.all(this.#lookedAt, DEVICES_A_STEP).map(({ k }) => Number(k));
    for (const dev of devices) {
      while (this.#hasEnough(dev)) {
        if (left === 0) return undefined;
        const end = this.#packFirst({ dev, start: this.#endOf(dev), until: Number.MAX_SAFE_INTEGER });
        this.#ends.set(dev, end);
        left -= 1;
      }
      this.#lookedAt = dev;
    }
    if (devices.length === DEVICES_A_STEP) return undefined;
    this.#lookedAt = 0;
    return left;
  }

  #hasEnough(dev: number): boolean {
    return (
      this.#enough.get(dev, this.#endOf(dev), this.#sizes.readings + this.#sizes.latest - 1) !== undefined
    );
  }

  /** @returns how many packs it made */
  #mend(packsMax: number): number {
    const loose = this.#loose.all(packsMax);
    for (const row of loose) {
      const [dev, start, until] = [Number(row['dev']), Number(row['start']), Number(row['until'])];
      const end = this.#packFirst({ dev, start, until });
      if (end < until) this.#add.run(dev, end, until, null, null);
    }
    return loose.length;
  }

  /** Packs the first readings of a stretch. @returns where the pack ends, at the latest with the stretch */
  #packFirst({ dev, start, until }: Stretch): number {
    const rows = this.#rows.all(dev, start, until, this.#sizes.readings + 1) as unknown as Row[];
    const next = rows[this.#sizes.readings]?.ts;
    // readings of one moment stay together
    const kept = next === undefined ? rows : rows.filter(({ ts }) => ts < next);
    const end = next === undefined ? until : (kept.at(-1)?.ts ?? next) + 1;
    const pack = next !== undefined && kept.length === 0 ? undefined : this.#packOf(kept);
    this.#add.run(dev, start, end, pack?.shapes ?? NOT_PACKED, pack?.body ?? null);
    return end;
  }

  /** Undefined where the rows are better read themselves. */
  #packOf(rows: readonly Row[]): Pack | undefined {
    const chars = rows.reduce((sum, { vals }) => sum + vals.length, 0);
    if (chars > rows.length * AVERAGE_CHARS_MAX) return undefined;
    const whole = this.#whole.get(WHOLE_SKELETON)?.['k'];
    if (rows.some(({ shape }) => shape === whole)) return undefined;
    if (this.#marks.any && rows.some(({ seq }) => this.#marks.of(seq) !== undefined)) return undefined;
    return encodePack(rows.map(({ ts, shape, vals }) => ({ ts, shape, values: JSON.parse(vals) })));
  }

  #endOf(dev: number): number {
    let end = this.#ends.get(dev);
    if (end === undefined) {
      end = Number(this.#end.get(dev)?.['until'] ?? 0);
      this.#ends.set(dev, end);
    }
    return end;
  }
}
