/**
 * Answers the history of attributes on the reading connection. Walks the index by device and time from the end that
 * is asked for, and stops as soon as there is enough. A walk goes in slices, bounded in rows and in time, with the
 * event loop between two of them; all walks together take one slice a turn, so that none of them holds up anything.
 */
import { GatewayError } from '../model/error.ts';
import {
  HISTORY_BUCKETS_MAX,
  HISTORY_ENTRIES_MAX,
  type HistoryBucket,
  type HistoryBucketsRequest,
  type HistoryOutcome,
  type HistoryRequest,
  type HistoryValue,
  type HistoryValuesRequest,
} from '../model/history.ts';
import { intervalText } from '../model/interval.ts';
import { TS_MAX_MS } from '../model/reading.ts';
import { type AttributePlan, DeviceAttributes } from './device-attributes.ts';
import { BucketCollector, type Collector, ValueCollector } from './history-collectors.ts';
import type { Database, Statement } from './sqlite.ts';

const SLICE_ROWS_MAX = 5_000;
/** Before it is known how large the readings are. */
const FIRST_SLICE_ROWS_MAX = 500;
/** Text that a slice reads from disk, about: large readings make short slices. */
const SLICE_CHARS = 2_000_000;
const SLICE_GROWTH = 10;
/** A slice whose readings take long to parse ends early. */
const SLICE_MS = 10;
/** A walk that takes longer is given up: it would be of use to nobody. */
const WALK_MS_MAX = 10_000;

type Direction = 'up' | 'down';

/** Where a walk stands: the row it has last seen. */
interface Cursor {
  ts: number;
  seq: number;
}

/** From the first to the last reading asked for, both inclusive. */
interface Span {
  from: number;
  to: number;
}
const NOTHING: Span = { from: 1, to: 0 };

/** The device's readings that are asked for. */
interface Scope extends Span {
  dev: number;
  plan: AttributePlan;
}

/** Rows as arrays, in the order of the columns asked for: a quarter quicker than objects. */
type Row = [seq: number, ts: number, shape: number, vals: string];

/** The next piece of a walk: so many rows from there on. */
interface Slice {
  cursor: Cursor;
  rows: number;
}

interface Walk extends Scope {
  direction: Direction;
  /** Rows of the first slice. */
  rows: number;
  signal: AbortSignal | undefined;
}

export class HistoryQuery {
  readonly #database: Database;
  readonly #monotonicNow: () => number;
  readonly #attributes: DeviceAttributes;
  readonly #device: Statement;
  readonly #ends: Statement;
  readonly #edges: Record<Direction, Statement>;
  readonly #slices: Record<Direction, Statement>;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: { database: Database; monotonicNow: () => number }) {
    const { database } = parts;
    this.#database = database;
    this.#monotonicNow = parts.monotonicNow;
    this.#attributes = new DeviceAttributes(database);
    this.#device = database.prepare('SELECT k FROM device WHERE id = ? AND record IS NOT NULL');
    // two lookups in the index; min and max in one SELECT would read all of it
    this.#ends = database.prepare(
      `SELECT (SELECT min(ts) FROM reading WHERE dev = ?1 AND ts BETWEEN ?2 AND ?3) AS oldest,
        (SELECT max(ts) FROM reading WHERE dev = ?1 AND ts BETWEEN ?2 AND ?3) AS newest`,
    );
    this.#edges = { up: edge(database, 'up'), down: edge(database, 'down') };
    this.#slices = { up: slice(database, 'up'), down: slice(database, 'down') };
  }

  /** @throws GatewayError badRequest, unavailable when it takes too long */
  async values(request: HistoryValuesRequest): Promise<HistoryOutcome<HistoryValue>> {
    const scope = this.#scope(request);
    if ('missing' in scope) return scope;
    const { pick, signal } = request;
    const collector = new ValueCollector({ ...scope.plan, pick });
    const rows = Math.min(pick?.count ?? FIRST_SLICE_ROWS_MAX, FIRST_SLICE_ROWS_MAX);
    await this.#walk({ ...scope, direction: pick?.end === 'first' ? 'up' : 'down', rows, signal }, collector);
    const result = collector.result();
    return neverSent(request, scope.plan, result.entries) ? { missing: 'attribute' } : result;
  }

  /** @throws GatewayError badRequest, unavailable when it takes too long */
  async buckets(request: HistoryBucketsRequest): Promise<HistoryOutcome<HistoryBucket>> {
    const scope = this.#scope(request);
    if ('missing' in scope) return scope;
    const { intervalMs, signal } = request;
    refuseTooFine(scope, intervalMs);
    const collector = new BucketCollector({ ...scope.plan, intervalMs });
    await this.#walk({ ...scope, direction: 'down', rows: FIRST_SLICE_ROWS_MAX, signal }, collector);
    const result = collector.result();
    return neverSent(request, scope.plan, result.entries) ? { missing: 'attribute' } : result;
  }

  #scope(request: HistoryRequest): Scope | { missing: 'device' | 'attribute' } {
    const row = this.#device.get(request.deviceId);
    const dev = Number(row?.['k'] ?? -1);
    if (!row || !this.#spanOf(dev, 0, TS_MAX_MS)) return { missing: 'device' };
    const plan = this.#attributes.plan(dev, request);
    if (request.attributes && plan.known === 0 && !plan.whole) return { missing: 'attribute' };
    const span = this.#spanOf(
      dev,
      Math.max(request.fromMs ?? 0, 0),
      Math.min(request.toMs ?? TS_MAX_MS, TS_MAX_MS),
    );
    return { dev, plan, ...(span ?? NOTHING) };
  }

  /** The times of the first and the last reading from `from` to `to`. */
  #spanOf(dev: number, from: number, to: number): Span | undefined {
    const ends = this.#ends.get(dev, from, to);
    return ends?.['oldest'] == null
      ? undefined
      : { from: Number(ends['oldest']), to: Number(ends['newest']) };
  }

  async #walk(walk: Walk, collector: Collector): Promise<void> {
    const { plan, from, to, signal } = walk;
    if (plan.shapes.length === 0 || from > to) return;
    const deadline = this.#monotonicNow() + WALK_MS_MAX;
    let next: Slice | undefined = { cursor: startOf(walk), rows: walk.rows };
    for (;;) {
      next = this.#slice(walk, next, collector);
      if (!next || collector.done) return;
      await this.#nextTurn();
      if (signal?.aborted) throw new GatewayError('unavailable', 'nobody waits for this answer any more');
      if (!this.#database.isOpen) throw new GatewayError('unavailable', 'the gateway is stopping');
      if (this.#monotonicNow() > deadline) throw tooLong();
    }
  }

  /** @returns the slice after it; undefined when there is nothing further on */
  #slice(walk: Walk, { cursor, rows }: Slice, collector: Collector): Slice | undefined {
    const { dev, from, to, direction, plan } = walk;
    const [low, high] = direction === 'up' ? [cursor.ts, to] : [from, cursor.ts];
    const edge = this.#edges[direction].get(dev, low, high, cursor.ts, cursor.seq, rows - 1);
    const end = edge ? { ts: Number(edge['ts']), seq: Number(edge['seq']) } : endOf(walk);
    const [lowest, highest] = direction === 'up' ? [cursor.ts, end.ts] : [end.ts, cursor.ts];
    const bounds = [dev, lowest, highest, cursor.ts, cursor.seq, end.ts, end.seq];
    const found = this.#slices[direction].all(...bounds, JSON.stringify(plan.shapes)) as unknown as Row[];
    const until = this.#monotonicNow() + SLICE_MS;
    let chars = 0;
    for (const [seq, ts, shape, vals] of found) {
      plan.read(shape, vals, (attribute, value) => collector.take(attribute, ts, value));
      chars += vals.length;
      if (collector.done || this.#monotonicNow() > until) return { cursor: { ts, seq }, rows };
    }
    return edge && { cursor: end, rows: rowsAfter(rows, found.length === 0 ? 0 : chars / found.length) };
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

function slice(database: Database, direction: Direction): Statement {
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

function startOf({ direction, from, to }: Walk): Cursor {
  return direction === 'up' ? { ts: from, seq: 0 } : { ts: to, seq: Number.MAX_SAFE_INTEGER };
}

function endOf({ direction, from, to }: Walk): Cursor {
  return direction === 'up' ? { ts: to, seq: Number.MAX_SAFE_INTEGER } : { ts: from, seq: 0 };
}

/** Longer slices as long as the readings are small. */
function rowsAfter(rows: number, charsPerReading: number): number {
  const fitting = Math.max(1, Math.floor(SLICE_CHARS / Math.max(1, charsPerReading)));
  return Math.min(rows * SLICE_GROWTH, fitting, SLICE_ROWS_MAX);
}

/** Known only after everything was read: an attribute of a device whose readings are kept whole. */
function neverSent(
  { attributes, fromMs, toMs }: HistoryRequest,
  { known }: AttributePlan,
  entries: ReadonlyMap<string, readonly unknown[]>,
): boolean {
  if (!attributes || known > 0 || fromMs !== undefined || toMs !== undefined) return false;
  return entries.values().every((values) => values.length === 0);
}

/** @throws GatewayError badRequest, saying which interval would fit */
function refuseTooFine({ from, to, plan }: Scope, intervalMs: number): void {
  if (from > to) return;
  const buckets = Math.floor(to / intervalMs) - Math.floor(from / intervalMs) + 1;
  const perAttribute = Math.floor(HISTORY_ENTRIES_MAX / Math.max(1, plan.attributes.length));
  const max = Math.min(HISTORY_BUCKETS_MAX, perAttribute);
  if (buckets <= max) return;
  const fits = intervalText((to - from) / (max - 1));
  const message = `must be at least ${fits} here: this one gives ${buckets} buckets, and at most ${max} are answered`;
  throw new GatewayError('badRequest', `query: "interval" ${message}`, {
    errors: [{ field: 'interval', message }],
  });
}

function tooLong(): GatewayError {
  return new GatewayError('unavailable', `this took longer than ${WALK_MS_MAX / 1_000} s and was given up`, {
    hint: 'narrow it with "dateFrom" and "dateTo"',
  });
}
