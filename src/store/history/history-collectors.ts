/**
 * What a walk over readings gathers, within its bounds: values as they were sent, or their statistics by interval.
 * Values come in the order of the walk. Pure.
 */
import { GatewayError } from '../../model/error.ts';
import {
  type AttributeHistory,
  HISTORY_ENTRIES_MAX,
  HISTORY_VALUES_MAX,
  type HistoryBucket,
  type HistoryValues,
  type HistoryValuesRequest,
} from '../../model/history.ts';
import type { JsonValue } from '../../model/json.ts';
import type { ClockMark } from '../../model/reading.ts';
import { refuseTooMany } from './device-attributes.ts';

/** Most text in one answer: a reading may be large, and a gateway's memory is small. */
export const HISTORY_CHARS_MAX = 16_777_216;

export interface Collector {
  /** Nothing more is wanted. */
  readonly done: boolean;
  /** Nothing was found so far. */
  readonly empty: boolean;
  /** @param clock what its time is worth, where the clock of the box could not be right */
  take(attribute: string, ts: number, value: JsonValue, clock?: ClockMark): void;
}

/** The bounds of an answer, as an `AttributePlan` has them. */
export interface CollectorParts {
  attributes: readonly string[];
  fillable: number;
  /** Attributes that were not named may turn up. */
  open: boolean;
}

/** Numbers alone lie in either without a box of their own. */
interface GatheredValues {
  times: number[];
  values: JsonValue[];
  clocks?: Map<number, ClockMark>;
}

export class ValueCollector implements Collector {
  readonly #entries: Map<string, GatheredValues>;
  readonly #open: boolean;
  readonly #max: number;
  /** Whether the caller chose how many: then more is not missed. */
  readonly #chosen: boolean;
  readonly #ascending: boolean;
  #unfilled: number;
  #total = 0;
  #chars = 0;
  #exhausted = false;
  #cutAtMs: number | undefined;

  constructor({ attributes, fillable, open, pick }: CollectorParts & Pick<HistoryValuesRequest, 'pick'>) {
    this.#entries = new Map(attributes.map((attribute) => [attribute, { times: [], values: [] }]));
    this.#open = open;
    this.#unfilled = fillable;
    this.#max = pick?.count ?? HISTORY_VALUES_MAX;
    this.#chosen = pick !== undefined;
    this.#ascending = pick?.end === 'first';
  }

  get done(): boolean {
    if (this.#exhausted) return true;
    // without a chosen number the walk goes on to the first value that is left out, to say so
    return this.#unfilled === 0 && !this.#open && (this.#chosen || this.#cutAtMs !== undefined);
  }

  get empty(): boolean {
    return this.#total === 0;
  }

  take(attribute: string, ts: number, value: JsonValue, clock?: ClockMark): void {
    if (this.#exhausted) return;
    const gathered = this.#entriesOf(attribute);
    const { times, values } = gathered;
    if (times.length === this.#max) {
      if (!this.#chosen) this.#cut(times.at(-1) ?? ts);
      return;
    }
    const chars = charsOf(value);
    if (this.#total === HISTORY_ENTRIES_MAX || (this.#total > 0 && this.#chars + chars > HISTORY_CHARS_MAX)) {
      this.#exhausted = true;
      this.#cut(ts);
      return;
    }
    if (clock) {
      gathered.clocks ??= new Map();
      gathered.clocks.set(times.length, clock);
    }
    times.push(ts);
    values.push(value);
    this.#total += 1;
    this.#chars += chars;
    if (times.length === this.#max) this.#unfilled -= 1;
  }

  result(): AttributeHistory<HistoryValues> {
    return { entries: this.#entries, cutAtMs: this.#cutAtMs };
  }

  #entriesOf(attribute: string): GatheredValues {
    const known = this.#entries.get(attribute);
    if (known) return known;
    refuseTooMany(this.#entries.size + 1);
    const entries: GatheredValues = { times: [], values: [] };
    this.#entries.set(attribute, entries);
    this.#unfilled += 1;
    return entries;
  }

  /** The moment up to which every attribute is whole. */
  #cut(ts: number): void {
    const nearer = this.#ascending ? Math.min : Math.max;
    this.#cutAtMs = this.#cutAtMs === undefined ? ts : nearer(this.#cutAtMs, ts);
  }
}

function charsOf(value: JsonValue): number {
  if (typeof value === 'string') return value.length;
  return typeof value === 'object' && value !== null ? JSON.stringify(value).length : 8;
}

interface Gathered {
  ts: number;
  min: number;
  max: number;
  sum: number;
  count: number;
}

export class BucketCollector implements Collector {
  readonly done = false;
  readonly #buckets: Map<string, Gathered[]>;
  readonly #intervalMs: number;
  #total = 0;

  constructor({ attributes, intervalMs }: Pick<CollectorParts, 'attributes'> & { intervalMs: number }) {
    this.#buckets = new Map(attributes.map((attribute) => [attribute, []]));
    this.#intervalMs = intervalMs;
  }

  get empty(): boolean {
    return this.#total === 0;
  }

  /** What is neither number nor boolean has no mean, and does not count. */
  take(attribute: string, ts: number, value: JsonValue): void {
    const buckets = this.#bucketsOf(attribute);
    if (typeof value !== 'number' && typeof value !== 'boolean') return;
    const number = Number(value);
    const start = Math.floor(ts / this.#intervalMs) * this.#intervalMs;
    const last = buckets.at(-1);
    if (last?.ts !== start) {
      this.#count();
      buckets.push({ ts: start, min: number, max: number, sum: number, count: 1 });
      return;
    }
    last.min = Math.min(last.min, number);
    last.max = Math.max(last.max, number);
    last.sum += number;
    last.count += 1;
  }

  result(): AttributeHistory<readonly HistoryBucket[]> {
    const entries = new Map<string, HistoryBucket[]>();
    for (const [attribute, buckets] of this.#buckets) {
      entries.set(
        attribute,
        buckets.map(({ ts, min, max, sum, count }) => ({ ts, min, max, mean: sum / count, count })),
      );
    }
    return { entries };
  }

  #bucketsOf(attribute: string): Gathered[] {
    const known = this.#buckets.get(attribute);
    if (known) return known;
    refuseTooMany(this.#buckets.size + 1);
    const buckets: Gathered[] = [];
    this.#buckets.set(attribute, buckets);
    return buckets;
  }

  /** Attributes known only by reading were not counted when the interval was checked. */
  #count(): void {
    this.#total += 1;
    if (this.#total <= HISTORY_ENTRIES_MAX) return;
    const message = `gives more than ${HISTORY_ENTRIES_MAX} buckets: choose a longer one, or name fewer attributes`;
    throw new GatewayError('badRequest', `query: "interval" ${message}`, {
      errors: [{ field: 'interval', message }],
    });
  }
}
