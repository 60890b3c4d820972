/** Readings: what a device said at one moment. */
import type { JsonObject } from './json.ts';

/** Latest accepted time: the last millisecond of the year 9999, so that ISO 8601 keeps four digits. */
export const TS_MAX_MS = 253_402_300_799_999;

/**
 * What a reading's time is worth where the box had no right clock: `unsure`, it is what the clock said and will be put
 * right; `estimated`, it is the latest that it can have been, for the box was restarted before its clock was right.
 */
export const CLOCK_MARKS = ['unsure', 'estimated'] as const;
export type ClockMark = (typeof CLOCK_MARKS)[number];

/** A time in which the clock of the box could not be right and nobody set it. */
export interface ClockStretch {
  /** Its number in the store. */
  k: number;
  /** The run of the box, by the kernel's own id of it. */
  boot: string;
  /** What the clock said, less the time since the box was started, in milliseconds. */
  offsetMs: number;
}

/** A reading as an add-on hands it over. */
export interface NewReading {
  deviceId: string;
  /** The add-on's own id of it: delivered again under the same id it changes nothing. */
  id: string;
  /** When it was measured, in milliseconds since 1970. */
  ts: number;
  data: JsonObject;
  /** By which clock, where that cannot be right. */
  stretch?: ClockStretch | undefined;
}

/** A reading on disk. */
export interface StoredReading {
  /** 24 hexadecimal digits, unique for ever on this gateway, growing with the order of storing. */
  _id: string;
  deviceId: string;
  ts: number;
  data: JsonObject;
  /** Absent where its time is right as far as the gateway knows. */
  clock?: ClockMark | undefined;
}

/**
 * Keys that a page of readings can be sorted by. `deviceId` is the same in every reading of a page: time decides.
 * Nothing else is kept in an order of its own, and sorting 5 million readings for one page would take seconds.
 */
export const READING_SORT_KEYS = ['ts', 'deviceId'] as const;
export type ReadingSortKey = (typeof READING_SORT_KEYS)[number];

export interface ReadingPageQuery {
  deviceId: string;
  /** Both inclusive, milliseconds since 1970. */
  start?: number | undefined;
  end?: number | undefined;
  /** From 1. */
  page: number;
  perPage: number;
  sortKey: ReadingSortKey;
  descending: boolean;
}

export interface ReadingPage {
  data: StoredReading[];
  /** How many readings the query matches on all pages together. */
  totalItems: number;
}
