/** Times and dates of the bus, which knows no time zones: DPT 10, 11 and 19. */
import type { JsonObject, JsonValue } from '@gate/addon-sdk';
import { bitOf, isWhole, objectWith, type ValueCodec } from './codec.ts';

/** `day`: 1 Monday to 7 Sunday, 0 none. */
const time: ValueCodec = {
  bits: 24,
  takes: '{"day": 0 to 7 (0: none, 1: Monday), "hour": 0 to 23, "minute": 0 to 59, "second": 0 to 59}',
  encode(given) {
    const fields = objectWith(given, ['day', 'hour', 'minute', 'second']) ?? {};
    const { day = 0, hour, minute, second = 0 } = fields;
    if (!isWhole(day, 0, 7) || !isWhole(hour, 0, 23)) return undefined;
    if (!isWhole(minute, 0, 59) || !isWhole(second, 0, 59)) return undefined;
    return Buffer.of((day << 5) | hour, minute, second);
  },
  decode([first = 0, minute = 0, second = 0]) {
    const hour = first & 31;
    if (hour > 23 || minute > 59 || second > 59) return undefined;
    return { day: first >> 5, hour, minute, second };
  },
};

/** Two digits of a year: 90 to 99 are of the last century. */
const date: ValueCodec = {
  bits: 24,
  takes: 'a date "YYYY-MM-DD" from 1990-01-01 to 2089-12-31',
  encode(value) {
    const [year = 0, month = 0, day = 0] = dateOf(value) ?? [];
    return year >= 1990 && year <= 2089 ? Buffer.of(day, month, year % 100) : undefined;
  },
  decode([day = 0, month = 0, twoDigits = 100]) {
    if (twoDigits > 99) return undefined;
    const text = isoDate((twoDigits >= 90 ? 1900 : 2000) + twoDigits, month, day);
    return dateOf(text) ? text : undefined;
  },
};

/** Bits of byte 7 and the first two of byte 8, most significant first (03_07_02, 3.20). */
export const CLOCK_FLAGS = [
  'fault',
  'workingDay',
  'noWorkingDay',
  'noYear',
  'noDate',
  'noDayOfWeek',
  'noTime',
  'summerTime',
  'clockSynchronised',
  'reliableSource',
] as const;

/**
 * Decoded as `{value, flags}`; which fields of `value` count is in the flags. Encoded from that, or from the text alone:
 * then the working day is unknown and the clock not synchronised.
 */
const dateTime: ValueCodec = {
  bits: 64,
  takes: 'a local time "YYYY-MM-DDTHH:MM:SS" from 1900 to 2155',
  encode(given) {
    const { value, flags = {} } =
      typeof given === 'string' ? { value: given } : (objectWith(given, ['value', 'flags']) ?? {});
    const match = typeof value === 'string' ? /^(.{10})T(\d\d):(\d\d):(\d\d)$/.exec(value) : null;
    const [year = 0, month = 0, day = 0] = dateOf(match?.[1] ?? null) ?? [];
    const [hour = 99, minute = 99, second = 99] = match?.slice(2).map(Number) ?? [];
    const bits = flagBits(flags);
    if (bits === undefined || !isWhole(year, 1900, 2155)) return undefined;
    if (hour > 23 || minute > 59 || second > 59) return undefined;
    const dayOfWeek = new Date(Date.UTC(year, month - 1, day)).getUTCDay() || 7;
    return Buffer.of(year - 1900, month, day, (dayOfWeek << 5) | hour, minute, second, bits >> 8, bits & 255);
  },
  decode(raw) {
    const [year = 0, month = 0, day = 0, first = 0, minute = 0, second = 0] = raw;
    const hour = first & 31;
    // 24:00:00 is the end of a day
    const isTime = (hour < 24 && minute < 60 && second < 60) || (hour === 24 && minute === 0 && second === 0);
    if (month > 12 || day > 31 || !isTime) return undefined;
    const clock = [hour, minute, second].map((part) => String(part).padStart(2, '0')).join(':');
    const bits = raw.readUInt16BE(6);
    const flags = Object.fromEntries(CLOCK_FLAGS.map((flag, at) => [flag, (bits & (0x8000 >> at)) !== 0]));
    return { value: `${isoDate(year + 1900, month, day)}T${clock}`, flags };
  },
};

function flagBits(flags: JsonValue): number | undefined {
  const fields: JsonObject | undefined = objectWith(flags, CLOCK_FLAGS);
  if (fields === undefined) return undefined;
  // whether it is a working day is known only when somebody says so
  const given: JsonObject = { noWorkingDay: fields['workingDay'] === undefined, ...fields };
  let bits = 0;
  for (const [at, flag] of CLOCK_FLAGS.entries()) {
    const bit = bitOf(given[flag] ?? false);
    if (bit === undefined) return undefined;
    bits |= bit ? 0x8000 >> at : 0;
  }
  return bits;
}

/** Year, month and day of a date that exists. */
function dateOf(value: JsonValue): [number, number, number] | undefined {
  const match = typeof value === 'string' ? /^(\d{4})-(\d\d)-(\d\d)$/.exec(value) : null;
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  const exists = month >= 1 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
  return exists && month <= 12 ? [year, month, day] : undefined;
}

function isoDate(year: number, month: number, day: number): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

export const DATES: Readonly<Record<number, () => ValueCodec>> = {
  10: () => time,
  11: () => date,
  19: () => dateTime,
};
