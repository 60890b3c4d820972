/**
 * Walks a device's readings in the order of time, from one end: packs where there are any, row by row elsewhere. A
 * walk goes in slices, bounded in rows and in time, with the event loop between two of them; all walks together take
 * one slice a turn, so that none of them holds up anything. A walk that takes too long is given up.
 *
 * Readings of a clock that could not be right are in no pack: their marks are found by their rows.
 */
import { GatewayError } from '../../model/error.ts';
import { ClockMarks } from '../clock/clock-marks.ts';
import { type Database, inReadTransaction, type Statement } from '../sqlite.ts';
import type { AttributePlan, Place } from './device-attributes.ts';
import type { Collector } from './history-collectors.ts';
import { PackReader, shapesOfPack } from './reading-pack.ts';
import { NOT_PACKED } from './reading-packs.ts';

const SLICE_ROWS_MAX = 5_000;
/** Before it is known how large the readings are. */
export const FIRST_SLICE_ROWS_MAX = 500;
/** Text that a slice of rows reads from disk, about: large readings make short slices. */
const SLICE_CHARS = 2_000_000;
const SLICE_GROWTH = 10;
/** A slice whose readings take long to parse ends early. */
const SLICE_MS = 10;
/** A walk that takes longer is given up: it would be of use to nobody. */
const WALK_MS_MAX = 10_000;

export type Direction = 'up' | 'down';

/** From the first to the last moment, both inclusive; milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

export interface Walk extends Span {
  dev: number;
  plan: AttributePlan;
  direction: Direction;
  /** Rows of the first slice. */
  rows: number;
  signal: AbortSignal | undefined;
}

/** Where a walk stands: the row it has last seen. */
interface Cursor {
  ts: number;
  seq: number;
}

/** What a walk does next. */
interface Next {
  cursor: Cursor;
  /** How many rows at a time. */
  rows: number;
  /** Set while it goes row by row: up to its end, whatever is packed meanwhile. */
  loose: Span | undefined;
}

/** Rows as arrays, in the order of the columns asked for: a quarter quicker than objects. */
type Row = [seq: number, ts: number, shape: number, vals: string];

/** A pack without its body, or readings that are in none. */
interface Stretch extends Span {
  pack: { k: number; shapes: string } | undefined;
}

export class HistoryWalk {
  readonly #database: Database;
  readonly #monotonicNow: () => number;
  readonly #edges: Record<Direction, Statement>;
  readonly #rows: Record<Direction, Statement>;
  readonly #before: Statement;
  readonly #after: Statement;
  readonly #body: Statement;
  readonly #marks: ClockMarks;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: { database: Database; monotonicNow: () => number }) {
    const { database } = parts;
    this.#database = database;
    this.#monotonicNow = parts.monotonicNow;
    this.#edges = { up: edge(database, 'up'), down: edge(database, 'down') };
    this.#rows = { up: rows(database, 'up'), down: rows(database, 'down') };
    this.#before = database.prepare(
      'SELECT k, start, until, shapes FROM reading_pack WHERE dev = ? AND start <= ? ORDER BY start DESC LIMIT 1',
    );
    this.#after = database.prepare(
      'SELECT min(start) AS start FROM reading_pack WHERE dev = ? AND start > ?',
    );
    this.#body = database.prepare('SELECT shapes, body FROM reading_pack WHERE k = ?');
    this.#marks = new ClockMarks(database);
  }

  /** @throws GatewayError unavailable when it takes too long, or nobody waits any more */
  async run(walk: Walk, collector: Collector): Promise<void> {
    const { plan, from, to, signal } = walk;
    if (plan.shapes.length === 0 || from > to) return;
    const deadline = this.#monotonicNow() + WALK_MS_MAX;
    let next: Next | undefined = { cursor: startOf(walk.direction, walk), rows: walk.rows, loose: undefined };
    for (;;) {
      next = this.#slice(walk, next, collector);
      if (!next || collector.done) return;
      await this.#nextTurn();
      if (signal?.aborted) throw new GatewayError('unavailable', 'nobody waits for this answer any more');
      if (!this.#database.isOpen) throw new GatewayError('unavailable', 'the gateway is stopping');
      if (this.#monotonicNow() > deadline) throw tooLong();
    }
  }

  /** @returns what comes after it; undefined when there is nothing further on */
  #slice(walk: Walk, first: Next, collector: Collector): Next | undefined {
    const until = this.#monotonicNow() + SLICE_MS;
    for (let next = first; ; ) {
      const { loose } = next;
      // a reading's time and its mark change together
      if (loose)
        return inReadTransaction(this.#database, () =>
          this.#readRows(walk, { ...next, loose }, { collector, until }),
        );
      const stretch = this.#stretchAt(walk, next.cursor.ts);
      const read = stretch.pack && this.#readPack(walk, { ...stretch, pack: stretch.pack }, collector);
      if (!read) next = { ...next, loose: stretch };
      else {
        const after = beyond(walk, stretch, next.rows);
        if (!after || collector.done) return undefined;
        next = after;
      }
      if (this.#monotonicNow() > until) return next;
    }
  }

  /** The pack at this moment, or the time around it without one; within what is walked. */
  #stretchAt({ dev, from, to, direction }: Walk, ts: number): Stretch {
    const pack = this.#before.get(dev, ts);
    const [start, until] = pack ? [Number(pack['start']), Number(pack['until'])] : [from, from];
    if (pack && until > ts) {
      const shapes = pack['shapes'];
      return {
        from: Math.max(from, start),
        to: Math.min(to, until - 1),
        pack:
          shapes === null || shapes === NOT_PACKED
            ? undefined
            : { k: Number(pack['k']), shapes: String(shapes) },
      };
    }
    if (direction === 'down') return { from: Math.max(from, until), to: ts, pack: undefined };
    const after = this.#after.get(dev, ts)?.['start'];
    return { from: ts, to: Math.min(to, after == null ? to : Number(after) - 1), pack: undefined };
  }

  /** @returns false when it was loosened this very moment */
  #readPack(
    { plan, direction }: Walk,
    { from, to, pack }: Span & { pack: { k: number; shapes: string } },
    collector: Collector,
  ): boolean {
    if (
      !shapesOfPack(pack.shapes)
        .keys()
        .some((shape) => plan.placesIn(shape).length > 0)
    )
      return true;
    const row = this.#body.get(pack.k);
    if (row?.['body'] == null) return false;
    const reader = new PackReader({ shapes: String(row['shapes']), body: String(row['body']) });
    const { times } = reader;
    const [first, step] = direction === 'up' ? [0, 1] : [times.length - 1, -1];
    let shape: number | undefined;
    let places: readonly Place[] = [];
    for (let index = first; index >= 0 && index < times.length && !collector.done; index += step) {
      const ts = times[index] as number;
      if (ts < from || ts > to) continue;
      const its = reader.shapeOf(index);
      if (its !== shape) [shape, places] = [its, plan.placesIn(its)];
      for (const { attribute, node } of places) collector.take(attribute, ts, reader.valueAt(index, node));
    }
    return true;
  }

  #readRows(
    walk: Walk,
    next: Next & { loose: Span },
    { collector, until }: { collector: Collector; until: number },
  ): Next | undefined {
    const { dev, direction, plan } = walk;
    const { cursor, rows, loose } = next;
    const [low, high] = direction === 'up' ? [cursor.ts, loose.to] : [loose.from, cursor.ts];
    const edge = this.#edges[direction].get(dev, low, high, cursor.ts, cursor.seq, rows - 1);
    const end = edge ? { ts: Number(edge['ts']), seq: Number(edge['seq']) } : endOf(direction, loose);
    const [lowest, highest] = direction === 'up' ? [cursor.ts, end.ts] : [end.ts, cursor.ts];
    const bounds = [dev, lowest, highest, cursor.ts, cursor.seq, end.ts, end.seq];
    const found = this.#rows[direction].all(...bounds, JSON.stringify(plan.shapes)) as unknown as Row[];
    const { any } = this.#marks;
    let chars = 0;
    for (const [seq, ts, shape, vals] of found) {
      const clock = any ? this.#marks.of(seq) : undefined;
      plan.read(shape, vals, (attribute, value) => collector.take(attribute, ts, value, clock));
      chars += vals.length;
      if (collector.done || this.#monotonicNow() > until) return { cursor: { ts, seq }, rows, loose };
    }
    const following = rowsAfter(rows, found.length === 0 ? 0 : chars / found.length);
    return edge ? { cursor: end, rows: following, loose } : beyond(walk, loose, following);
  }

  /** One slice in each turn of the event loop, whosesoever it is. */
  #nextTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#turn;
  }
}

/** The last row of a slice, from the index alone: so a slice is bounded also where few rows match. */
function edge(database: Database, direction: Direction): Statement {
  const { order, beyond } = sqlOf(direction);
  return database.prepare(`
    SELECT ts, seq FROM reading WHERE dev = ? AND ts BETWEEN ? AND ? AND (ts ${beyond} ? OR seq ${beyond} ?)
    ORDER BY ts ${order}, seq ${order} LIMIT 1 OFFSET ?`);
}

function rows(database: Database, direction: Direction): Statement {
  const { order, beyond, before } = sqlOf(direction);
  const statement = database.prepare(`
    SELECT seq, ts, shape, vals FROM reading
    WHERE dev = ? AND ts BETWEEN ? AND ? AND (ts ${beyond} ? OR seq ${beyond} ?) AND (ts ${before} ? OR seq ${before}= ?)
      AND shape IN (SELECT value FROM json_each(?))
    ORDER BY ts ${order}, seq ${order}`);
  statement.setReturnArrays(true);
  return statement;
}

function sqlOf(direction: Direction): { order: string; beyond: string; before: string } {
  return direction === 'up'
    ? { order: 'ASC', beyond: '>', before: '<' }
    : { order: 'DESC', beyond: '<', before: '>' };
}

function startOf(direction: Direction, { from, to }: Span): Cursor {
  return direction === 'up' ? { ts: from, seq: 0 } : { ts: to, seq: Number.MAX_SAFE_INTEGER };
}

function endOf(direction: Direction, { from, to }: Span): Cursor {
  return direction === 'up' ? { ts: to, seq: Number.MAX_SAFE_INTEGER } : { ts: from, seq: 0 };
}

/** What follows a stretch that was read to its end. */
function beyond({ direction, from, to }: Walk, stretch: Span, rows: number): Next | undefined {
  const ts = direction === 'up' ? stretch.to + 1 : stretch.from - 1;
  if (ts < from || ts > to) return undefined;
  return { cursor: startOf(direction, { from: ts, to: ts }), rows, loose: undefined };
}

/** Longer slices as long as the readings are small. */
function rowsAfter(rows: number, charsPerReading: number): number {
  const fitting = Math.max(1, Math.floor(SLICE_CHARS / Math.max(1, charsPerReading)));
  return Math.min(rows * SLICE_GROWTH, fitting, SLICE_ROWS_MAX);
}

function tooLong(): GatewayError {
  return new GatewayError('unavailable', `this took longer than ${WALK_MS_MAX / 1_000} s and was given up`, {
    hint: 'narrow it with "dateFrom" and "dateTo"',
  });
}
