/**
 * A history as callers see it: dojot's entries in the printed order of keys, or rows of CSV. Written piece by piece
 * (`pieced-body.ts`): an answer may have 100,000 entries.
 */
import * as v from 'valibot';
import { jsonValueSchema } from '../../model/device.ts';
import type { AttributeHistory, HistoryBucket, HistoryValues } from '../../model/history.ts';
import type { JsonValue } from '../../model/json.ts';
import { csvField, csvRow } from '../csv.ts';
import { isoMicrosecondsWriter } from '../iso-time.ts';
import { clockSchema, isoDateTime } from '../schemas.ts';
import { valueBytes } from '../value-bytes.ts';

/** One value of one attribute. */
export const valueSchema = v.object({
  device_id: v.string(),
  ts: isoDateTime('When it was measured'),
  metadata: v.object({ protocol: v.string(), payload: v.literal('json') }),
  value: jsonValueSchema,
  attr: v.string(),
  clock: clockSchema,
});
/** The statistics of one interval. */
export const bucketSchema = v.object({
  device_id: v.string(),
  ts: isoDateTime('The begin of the interval'),
  attr: v.string(),
  min: v.number(),
  max: v.number(),
  mean: v.number(),
  count: v.pipe(v.number(), v.integer()),
});
const entries = v.union([v.array(valueSchema), v.array(bucketSchema)]);
/** One named attribute: an array. Several or none: an object of arrays. */
export const historySchema = v.union([entries, v.record(v.string(), entries)]);

type Histories<Entries> = AttributeHistory<Entries>['entries'];
type Piece = string | Buffer;
type Buckets = readonly HistoryBucket[];
/** Writes the entries of one attribute: with commas between them, or as rows. */
export type EntriesWriter<Entries> = (attribute: string, entries: Entries) => Iterable<Piece>;

export function valueEntries(source: { deviceId: string; protocol: string }): EntriesWriter<HistoryValues> {
  return (attribute, entries) => valueBytes({ ...source, attribute }, entries);
}

export function bucketEntries({ deviceId }: { deviceId: string }): EntriesWriter<Buckets> {
  const iso = isoMicrosecondsWriter();
  return function* (attr, buckets) {
    let comma = '';
    for (const { ts, min, max, mean, count } of buckets) {
      yield comma + JSON.stringify({ device_id: deviceId, ts: iso(ts), attr, min, max, mean, count });
      comma = ',';
    }
  };
}

/** One named attribute: an array. Else an object of arrays, by attribute. */
export function* historyJson<Entries>(
  histories: Histories<Entries>,
  write: EntriesWriter<Entries>,
  form: 'array' | 'object',
): Generator<Piece> {
  let before = form === 'object' ? '{' : '';
  for (const [attribute, entries] of histories) {
    yield `${before}${form === 'object' ? `${JSON.stringify(attribute)}:` : ''}[`;
    yield* write(attribute, entries);
    yield ']';
    before = ',';
  }
  if (form === 'object') yield histories.size === 0 ? '{}' : '}';
}

export const VALUE_COLUMNS = ['device_id', 'ts', 'attr', 'value'] as const;
export const BUCKET_COLUMNS = ['device_id', 'ts', 'attr', 'min', 'max', 'mean', 'count'] as const;

export function valueRows({ deviceId }: { deviceId: string }): EntriesWriter<HistoryValues> {
  const begin = rowBegin(deviceId);
  return function* (attribute, { times, values }) {
    const beginAt = begin(attribute);
    for (const [index, ts] of times.entries()) yield beginAt(ts) + csvRow([values[index] as JsonValue]);
  };
}

export function bucketRows({ deviceId }: { deviceId: string }): EntriesWriter<Buckets> {
  const begin = rowBegin(deviceId);
  return function* (attribute, buckets) {
    const beginAt = begin(attribute);
    for (const { ts, min, max, mean, count } of buckets) yield beginAt(ts) + csvRow([min, max, mean, count]);
  };
}

/** What rows of either kind begin with. */
function rowBegin(deviceId: string): (attribute: string) => (ts: number) => string {
  const iso = isoMicrosecondsWriter();
  const device = csvField(deviceId);
  return (attribute) => {
    const attr = csvField(attribute);
    return (ts) => `${device},${iso(ts)},${attr},`;
  };
}

/** A header line, then one attribute after the other. */
export function* historyCsv<Entries>(
  histories: Histories<Entries>,
  write: EntriesWriter<Entries>,
  columns: readonly string[],
): Generator<Piece> {
  yield csvRow(columns);
  for (const [attribute, entries] of histories) yield* write(attribute, entries);
}
