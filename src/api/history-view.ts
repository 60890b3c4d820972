/**
 * A history as callers see it: dojot's entries in the printed order of keys, or rows of CSV. Written as text piece by
 * piece (`pieced-body.ts`): an answer may have 100,000 entries.
 */
import * as v from 'valibot';
import { jsonValueSchema } from '../model/device.ts';
import type { AttributeHistory, HistoryBucket, HistoryValue } from '../model/history.ts';
import type { JsonValue } from '../model/json.ts';
import { csvField, csvRow } from './csv.ts';
import { isoMicrosecondsWriter } from './iso-time.ts';
import { isoDateTime } from './schemas.ts';

/** Young garbage: with more at a time the text would be moved about before it is sent. */
const ENTRIES_A_PIECE = 400;

/** One value of one attribute. */
export const valueSchema = v.object({
  device_id: v.string(),
  ts: isoDateTime('When it was measured'),
  metadata: v.object({ protocol: v.string(), payload: v.literal('json') }),
  value: jsonValueSchema,
  attr: v.string(),
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

type Histories<Entry> = AttributeHistory<Entry>['entries'];
/** How entries of one attribute are written; made anew for each answer. */
export type EntryWriter<Entry> = (attribute: string) => (entry: Entry) => string;

export function valueEntries(source: { deviceId: string; protocol: string }): EntryWriter<HistoryValue> {
  // few parts, each made once: what is written most often is written quickest
  const beginAt = isoMicrosecondsWriter(`{"device_id":${JSON.stringify(source.deviceId)},"ts":"`);
  const middle = `","metadata":${JSON.stringify({ protocol: source.protocol, payload: 'json' })},"value":`;
  return (attribute) => {
    const end = `,"attr":${JSON.stringify(attribute)}}`;
    // a number from JSON is finite: its text is its JSON
    return ({ ts, value }) =>
      beginAt(ts) + middle + (typeof value === 'number' ? value : JSON.stringify(value)) + end;
  };
}

export function bucketEntries({ deviceId }: { deviceId: string }): EntryWriter<HistoryBucket> {
  const iso = isoMicrosecondsWriter();
  return (attr) =>
    ({ ts, min, max, mean, count }) =>
      JSON.stringify({ device_id: deviceId, ts: iso(ts), attr, min, max, mean, count });
}

/** One named attribute: an array. Else an object of arrays, by attribute. */
export function* historyJson<Entry>(
  histories: Histories<Entry>,
  write: EntryWriter<Entry>,
  form: 'array' | 'object',
): Generator<string> {
  let before = form === 'object' ? '{' : '';
  for (const [attribute, entries] of histories) {
    yield `${before}${form === 'object' ? `${JSON.stringify(attribute)}:` : ''}[`;
    const entry = write(attribute);
    let comma = '';
    for (const piece of pieces(entries)) {
      // appended, not joined: the text is made flat once, when it is encoded
      let text = '';
      for (const each of piece) {
        text += comma + entry(each);
        comma = ',';
      }
      yield text;
    }
    yield ']';
    before = ',';
  }
  if (form === 'object') yield histories.size === 0 ? '{}' : '}';
}

export const VALUE_COLUMNS = ['device_id', 'ts', 'attr', 'value'] as const;
export const BUCKET_COLUMNS = ['device_id', 'ts', 'attr', 'min', 'max', 'mean', 'count'] as const;

export function valueRows({ deviceId }: { deviceId: string }): EntryWriter<HistoryValue> {
  return rows(deviceId, ({ value }) => [value]);
}

export function bucketRows({ deviceId }: { deviceId: string }): EntryWriter<HistoryBucket> {
  return rows(deviceId, ({ min, max, mean, count }) => [min, max, mean, count]);
}

function rows<Entry extends { ts: number }>(
  deviceId: string,
  fieldsOf: (entry: Entry) => JsonValue[],
): EntryWriter<Entry> {
  const iso = isoMicrosecondsWriter();
  const device = csvField(deviceId);
  return (attribute) => {
    const attr = csvField(attribute);
    return (entry) => `${device},${iso(entry.ts)},${attr},${csvRow(fieldsOf(entry))}`;
  };
}

/** A header line, then one attribute after the other. */
export function* historyCsv<Entry>(
  histories: Histories<Entry>,
  write: EntryWriter<Entry>,
  columns: readonly string[],
): Generator<string> {
  yield csvRow(columns);
  for (const [attribute, entries] of histories) {
    const row = write(attribute);
    for (const piece of pieces(entries)) {
      let text = '';
      for (const each of piece) text += row(each);
      yield text;
    }
  }
}

function* pieces<Entry>(entries: readonly Entry[]): Generator<readonly Entry[]> {
  for (let from = 0; from < entries.length; from += ENTRIES_A_PIECE) {
    yield entries.slice(from, from + ENTRIES_A_PIECE);
  }
}
