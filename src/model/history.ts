/** The history of attributes: what a device said of one thing over time. An attribute is a key of its readings, or a path below one. */
import type { JsonValue } from './json.ts';
import type { ClockMark } from './reading.ts';

/** Most values of one attribute in an answer, asked for or not. */
export const HISTORY_VALUES_MAX = 10_000;
/** Most values, or buckets, in one answer, of all attributes together. */
export const HISTORY_ENTRIES_MAX = 100_000;
/** Most attributes in one answer. */
export const HISTORY_ATTRIBUTES_MAX = 1_000;
/** Most buckets of one attribute. */
export const HISTORY_BUCKETS_MAX = 10_000;

/** What is asked of the store; nothing said means everything. */
export interface HistoryRequest {
  deviceId: string;
  /** Keys below which the attributes lie in the stored data; none where `data` itself holds them. */
  root: readonly string[];
  /** Names or dotted paths; absent: every attribute there is. */
  attributes?: readonly string[] | undefined;
  /** Both inclusive, milliseconds since 1970. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  /** Gives up a walk that nobody waits for any more. */
  signal?: AbortSignal | undefined;
}

export interface HistoryValuesRequest extends HistoryRequest {
  /** Values of each attribute: the oldest (answered in ascending order) or the newest (descending). */
  pick?: { end: 'first' | 'last'; count: number } | undefined;
}

export interface HistoryBucketsRequest extends HistoryRequest {
  intervalMs: number;
}

/** The values of one attribute and their times, side by side: as objects 10,000 would take eight times the memory. */
export interface HistoryValues {
  times: readonly number[];
  values: readonly JsonValue[];
  /** Which of them a clock has dated that could not be right, by their place; absent where there is none. */
  clocks?: ReadonlyMap<number, ClockMark> | undefined;
}

/** Numbers, and booleans as 0 and 1, from `ts` on for one interval. */
export interface HistoryBucket {
  ts: number;
  min: number;
  max: number;
  mean: number;
  count: number;
}

export interface AttributeHistory<Entries> {
  entries: ReadonlyMap<string, Entries>;
  /** Set where something was left out: what lies beyond this moment is not, or not all, in the answer. */
  cutAtMs?: number | undefined;
}

/** `missing`: the device has no readings, or never sent any of the attributes. */
export type HistoryOutcome<Entries> = AttributeHistory<Entries> | { missing: 'device' | 'attribute' };
