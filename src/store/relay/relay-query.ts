/**
 * Reads what goes to the cloud by its number there, on the connection that reads. Where readings are missing they
 * were deleted: that is told in their place.
 */
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { RelayItem, SeqRange } from '../../model/relay.ts';
import { ClockMarks } from '../clock/clock-marks.ts';
import { joinData } from '../reading-shape.ts';
import type { Database, Statement } from '../sqlite.ts';
import { pendingOnDisk } from './relay-progress.ts';

/** Ids of devices kept in memory; past it they are read anew. */
const DEVICE_IDS_MAX = 20_000;

/** Rows as arrays, in the order of the columns asked for: a third quicker than objects. */
type Row = [number: number, seq: number, dev: number, ts: number, shape: number, vals: string];

export class RelayQuery {
  readonly #database: Database;
  readonly #publicId: (seq: number) => string;
  readonly #skeletons = new Map<number, JsonValue>();
  readonly #deviceIds = new Map<number, string>();
  readonly #marks: ClockMarks;
  readonly #head: Statement;
  readonly #numberBefore: Statement;
  readonly #rows: Statement;
  readonly #skeleton: Statement;
  readonly #deviceId: Statement;

  constructor(database: Database, publicId: (seq: number) => string) {
    this.#database = database;
    this.#publicId = publicId;
    this.#marks = new ClockMarks(database);
    this.#numberBefore = database.prepare(`
      SELECT cloud - start - 1 + min(coalesce(until, ?1), ?1) AS head
      FROM relay_run WHERE start < ?1 ORDER BY cloud DESC LIMIT 1`);
    this.#head = database.prepare(`
      SELECT cloud - start - 1
        + coalesce(until, (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'reading')) AS head
      FROM relay_run ORDER BY cloud DESC LIMIT 1`);
    // run by run, and within a run by the reading's number: nothing is sorted, nothing passed over
    this.#rows = database.prepare(`
      SELECT u.cloud + r.seq - u.start, r.seq, r.dev, r.ts, r.shape, r.vals
      FROM relay_run u CROSS JOIN reading r
        ON r.seq >= u.start + max(?1 - u.cloud, 0) AND r.seq < coalesce(u.until, 9007199254740991)
      WHERE u.cloud >= coalesce((SELECT max(cloud) FROM relay_run WHERE cloud <= ?1), 0)
      ORDER BY u.cloud, r.seq`);
    this.#rows.setReturnArrays(true);
    this.#skeleton = database.prepare('SELECT skeleton FROM shape WHERE k = ?');
    this.#deviceId = database.prepare('SELECT id FROM device WHERE k = ?');
  }

  /** The last number that may be sent; 0 where there is none. From a reading on whose time is unsure still, all wait. */
  head(): number {
    const held = this.#marks.held();
    const row = held === undefined ? this.#head.get() : this.#numberBefore.get(held);
    return Number(row?.['head'] ?? 0);
  }

  /** The last number that was given. */
  #given(): number {
    return Number(this.#head.get()?.['head'] ?? 0);
  }

  pending(): SeqRange[] {
    return pendingOnDisk(this.#database);
  }

  /** How many of these numbers were given, and when the oldest reading among them was measured. */
  backlog(pending: readonly SeqRange[]): { readings: number; sinceMs?: number } {
    const head = this.#given();
    const given = pending.map(({ first, last = head }) => ({ first, last: Math.min(last, head) }));
    const readings = given.reduce((sum, { first, last }) => sum + Math.max(0, last - first + 1), 0);
    const sure = this.head();
    for (const { first, last } of given) {
      for (const item of this.items(first, Math.min(last, sure))) {
        if ('ts' in item) return { readings, sinceMs: item.ts };
      }
    }
    return { readings };
  }

  /** What has the numbers from `first` to `last`, in their order; to be read to its end, or left, at once. */
  *items(first: number, last: number): Generator<RelayItem> {
    let next = first;
    const { any } = this.#marks;
    for (const found of this.#rows.iterate(first)) {
      const [number, seq, dev, ts, shape, vals] = found as unknown as Row;
      if (number > last) break;
      if (number > next) yield { dropped: { fromSeq: next, toSeq: number - 1 } };
      next = number + 1;
      const id = this.#publicId(seq);
      const clock = any && this.#marks.of(seq) === 'estimated' ? ({ clock: 'estimated' } as const) : {};
      yield { id, deviceId: this.#idOf(dev), ts, seq: number, data: this.#dataOf(shape, vals), ...clock };
    }
    if (next <= last) yield { dropped: { fromSeq: next, toSeq: last } };
  }

  #idOf(dev: number): string {
    const known = this.#deviceIds.get(dev);
    if (known !== undefined) return known;
    if (this.#deviceIds.size >= DEVICE_IDS_MAX) this.#deviceIds.clear();
    const id = String(this.#deviceId.get(dev)?.['id']);
    this.#deviceIds.set(dev, id);
    return id;
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
