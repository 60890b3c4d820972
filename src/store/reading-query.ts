/**
 * Reads pages of readings on a connection of its own, beside the writer. Nothing here grows with the store: totals
 * and deep pages come from the counts by hour, and only the hours at the edges are counted row by row.
 */
import type { JsonObject, JsonValue } from '../model/json.ts';
import { type ReadingPage, type ReadingPageQuery, type StoredReading, TS_MAX_MS } from '../model/reading.ts';
import { ClockMarks } from './clock/clock-marks.ts';
import { HOUR_MS } from './hours.ts';
import { joinData } from './reading-shape.ts';
import { type Database, inReadTransaction, type Statement } from './sqlite.ts';

/** So many hours are added up by SQLite at a time: years of them one by one here would take 250 ms. */
const MONTH_HOURS = 720;
/** Up to here skipping rows in the index is as quick as finding the hour first. */
const SKIP_DIRECTLY = 500;

/** Rows as arrays, in the order of the columns asked for: a third quicker than objects. */
type Row = [seq: number, ts: number, shape: number, vals: string];

/** A device's readings from `from` to `to`, both inclusive, in milliseconds. */
interface Range {
  dev: number;
  from: number;
  to: number;
}

export class ReadingQuery {
  readonly #database: Database;
  readonly #publicId: (seq: number) => string;
  readonly #skeletons = new Map<number, JsonValue>();
  readonly #device: Statement;
  readonly #marks: ClockMarks;
  readonly #hours: Record<'up' | 'down', Statement>;
  readonly #interior: Statement;
  readonly #edge: Statement;
  readonly #rows: Record<'up' | 'down', Statement>;
  readonly #skeleton: Statement;

  constructor(database: Database, publicId: (seq: number) => string) {
    this.#database = database;
    this.#publicId = publicId;
    this.#marks = new ClockMarks(database);
    this.#device = database.prepare('SELECT k FROM device WHERE id = ? AND record IS NOT NULL');
    this.#interior = database.prepare(
      'SELECT coalesce(sum(n), 0) AS n FROM reading_count WHERE dev = ? AND hour BETWEEN ? AND ?',
    );
    this.#edge = database.prepare('SELECT count(*) AS n FROM reading WHERE dev = ? AND ts BETWEEN ? AND ?');
    this.#skeleton = database.prepare('SELECT skeleton FROM shape WHERE k = ?');
    const hours = (order: string) =>
      database.prepare(
        `SELECT hour, n FROM reading_count WHERE dev = ? AND hour BETWEEN ? AND ? ORDER BY hour ${order}`,
      );
    this.#hours = { up: hours('ASC'), down: hours('DESC') };
    // rows that are skipped are skipped in the index; only those of the page itself are read
    const rows = (order: string) => {
      const statement = database.prepare(`
        SELECT seq, ts, shape, vals FROM reading
        WHERE dev = ? AND ts BETWEEN ? AND ? ORDER BY ts ${order}, seq ${order} LIMIT ? OFFSET ?`);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#rows = { up: rows('ASC'), down: rows('DESC') };
  }

  page(query: ReadingPageQuery): ReadingPage {
    const row = this.#device.get(query.deviceId);
    if (!row) return { data: [], totalItems: 0 };
    const range: Range = {
      dev: Number(row['k']),
      from: query.start ?? 0,
      to: Math.min(query.end ?? TS_MAX_MS, TS_MAX_MS),
    };
    return inReadTransaction(this.#database, () => {
      const totalItems = this.#count(range);
      const offset = (query.page - 1) * query.perPage;
      if (offset >= totalItems) return { data: [], totalItems };
      return { data: this.#read(range, query, offset), totalItems };
    });
  }

  #count({ dev, from, to }: Range): number {
    if (from > to) return 0;
    const firstHour = Math.ceil(from / HOUR_MS);
    const lastHour = Math.floor((to + 1) / HOUR_MS) - 1;
    if (firstHour > lastHour) return this.#countRows(dev, from, to);
    let n = Number(this.#interior.get(dev, firstHour, lastHour)?.['n']);
    if (from < firstHour * HOUR_MS) n += this.#countRows(dev, from, firstHour * HOUR_MS - 1);
    const end = (lastHour + 1) * HOUR_MS;
    if (to >= end) n += this.#countRows(dev, end, to);
    return n;
  }

  #countRows(dev: number, from: number, to: number): number {
    return Number(this.#edge.get(dev, from, to)?.['n']);
  }

  #read(range: Range, { deviceId, perPage, descending }: ReadingPageQuery, offset: number): StoredReading[] {
    const start = offset > SKIP_DIRECTLY ? this.#skipHours(range, descending, offset) : { range, offset };
    const { dev, from, to } = start.range;
    const rows = this.#rows[descending ? 'down' : 'up'];
    const found = rows.all(dev, from, to, perPage, start.offset) as unknown as Row[];
    const { any } = this.#marks;
    return found.map(([seq, ts, shape, vals]) => {
      const reading = { _id: this.#publicId(seq), data: this.#dataOf(shape, vals), deviceId, ts };
      const clock = any ? this.#marks.of(seq) : undefined;
      return clock ? { ...reading, clock } : reading;
    });
  }

  /** The same page, begun at the hour in which it lies: what remains to skip is within that hour. */
  #skipHours(range: Range, descending: boolean, offset: number): { range: Range; offset: number } {
    const { dev, from, to } = range;
    const hours = this.#hours[descending ? 'down' : 'up'];
    const { month, left: inMonth } = this.#skipMonths(range, descending, offset);
    let left = inMonth;
    for (const row of hours.iterate(dev, month.first, month.last)) {
      const hour = Number(row['hour']);
      const n = Number(row['n']) - this.#outside(range, hour);
      if (left < n) {
        const [begin, end] = [hour * HOUR_MS, (hour + 1) * HOUR_MS - 1];
        const rest = descending
          ? { dev, from, to: Math.min(to, end) }
          : { dev, from: Math.max(from, begin), to };
        return { range: rest, offset: left };
      }
      left -= n;
    }
    return { range, offset };
  }

  /** The hours among which the one lies that is looked for, and what remains to skip from their first on. */
  #skipMonths(
    range: Range,
    descending: boolean,
    offset: number,
  ): { month: { first: number; last: number }; left: number } {
    const { dev, from, to } = range;
    const hours = this.#hours[descending ? 'down' : 'up'];
    let [first, last] = [Math.floor(from / HOUR_MS), Math.floor(to / HOUR_MS)];
    for (let left = offset; ; ) {
      // hours without readings are not there: from one month to the next however far it is
      const nearest = Number(hours.get(dev, first, last)?.['hour'] ?? last);
      const month = descending
        ? { first: Math.max(first, nearest - MONTH_HOURS + 1), last: nearest }
        : { first: nearest, last: Math.min(last, nearest + MONTH_HOURS - 1) };
      const edges = month.first === month.last ? [month.first] : [month.first, month.last];
      let n = Number(this.#interior.get(dev, month.first, month.last)?.['n']);
      for (const hour of edges) n -= this.#outside(range, hour);
      const isEnd = descending ? month.first === first : month.last === last;
      if (left < n || isEnd) return { month, left };
      left -= n;
      if (descending) last = month.first - 1;
      else first = month.last + 1;
    }
  }

  /** Readings of an hour that are not in the range. */
  #outside({ dev, from, to }: Range, hour: number): number {
    const [begin, end] = [hour * HOUR_MS, (hour + 1) * HOUR_MS - 1];
    let n = 0;
    if (begin < from) n += this.#countRows(dev, begin, from - 1);
    if (end > to) n += this.#countRows(dev, to + 1, end);
    return n;
  }

  #dataOf(shape: number, vals: string): JsonObject {
    let skeleton = this.#skeletons.get(shape);
    if (skeleton === undefined) {
      skeleton = JSON.parse(String(this.#skeleton.get(shape)?.['skeleton'])) as JsonValue;
      this.#skeletons.set(shape, skeleton);
    }
    return joinData(skeleton, JSON.parse(vals) as JsonValue[]);
  }
}
