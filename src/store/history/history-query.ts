/**
 * Answers the history of attributes on the reading connection: which readings are walked (`history-walk.ts`), from
 * which end, and what is gathered of them (`history-collectors.ts`). A walk stops as soon as there is enough.
 */
import { GatewayError } from '../../model/error.ts';
import {
  HISTORY_BUCKETS_MAX,
  HISTORY_ENTRIES_MAX,
  type HistoryBucket,
  type HistoryBucketsRequest,
  type HistoryOutcome,
  type HistoryRequest,
  type HistoryValues,
  type HistoryValuesRequest,
} from '../../model/history.ts';
import { intervalText } from '../../model/interval.ts';
import { TS_MAX_MS } from '../../model/reading.ts';
import type { Database, Statement } from '../sqlite.ts';
import { type AttributePlan, DeviceAttributes } from './device-attributes.ts';
import { BucketCollector, ValueCollector } from './history-collectors.ts';
import { FIRST_SLICE_ROWS_MAX, HistoryWalk, type Span } from './history-walk.ts';

const NOTHING: Span = { from: 1, to: 0 };

/** The device's readings that are asked for. */
interface Scope extends Span {
  dev: number;
  plan: AttributePlan;
}

export class HistoryQuery {
  readonly #walk: HistoryWalk;
  readonly #attributes: DeviceAttributes;
  readonly #device: Statement;
  readonly #ends: Statement;

  constructor(parts: { database: Database; monotonicNow: () => number }) {
    const { database } = parts;
    this.#walk = new HistoryWalk(parts);
    this.#attributes = new DeviceAttributes(database);
    this.#device = database.prepare('SELECT k FROM device WHERE id = ? AND record IS NOT NULL');
    // two lookups in the index; min and max in one SELECT would read all of it
    this.#ends = database.prepare(
      `SELECT (SELECT min(ts) FROM reading WHERE dev = ?1 AND ts BETWEEN ?2 AND ?3) AS oldest,
        (SELECT max(ts) FROM reading WHERE dev = ?1 AND ts BETWEEN ?2 AND ?3) AS newest`,
    );
  }

  /** @throws GatewayError badRequest, unavailable when it takes too long */
  async values(request: HistoryValuesRequest): Promise<HistoryOutcome<HistoryValues>> {
    const scope = this.#scope(request);
    if ('missing' in scope) return scope;
    const { pick, signal } = request;
    const collector = new ValueCollector({ ...scope.plan, pick });
    const rows = Math.min(pick?.count ?? FIRST_SLICE_ROWS_MAX, FIRST_SLICE_ROWS_MAX);
    await this.#walk.run(
      { ...scope, direction: pick?.end === 'first' ? 'up' : 'down', rows, signal },
      collector,
    );
    const result = collector.result();
    return collector.empty && neverSent(request, scope.plan) ? { missing: 'attribute' } : result;
  }

  /** @throws GatewayError badRequest, unavailable when it takes too long */
  async buckets(request: HistoryBucketsRequest): Promise<HistoryOutcome<readonly HistoryBucket[]>> {
    const scope = this.#scope(request);
    if ('missing' in scope) return scope;
    const { intervalMs, signal } = request;
    refuseTooFine(scope, intervalMs);
    const collector = new BucketCollector({ ...scope.plan, intervalMs });
    await this.#walk.run({ ...scope, direction: 'down', rows: FIRST_SLICE_ROWS_MAX, signal }, collector);
    const result = collector.result();
    return collector.empty && neverSent(request, scope.plan) ? { missing: 'attribute' } : result;
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
}

/** Known only after everything was read and nothing found: of a device whose readings are kept whole. */
function neverSent({ attributes, fromMs, toMs }: HistoryRequest, { known }: AttributePlan): boolean {
  return attributes !== undefined && known === 0 && fromMs === undefined && toMs === undefined;
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
