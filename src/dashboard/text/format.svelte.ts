/** Numbers, times, sizes and values in words, as the language that is shown has them. */
import { isJsonObject, type JsonValue } from '../api/json.ts';
import { language } from './language.svelte.ts';
import { unitOfValue } from './units.ts';

const SECOND_MS = 1_000;
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', SECOND_MS],
];
/** A younger value is "now": its age would change faster than it can be read. */
const NOW_MS = 10 * SECOND_MS;
const TEXT_SHOWN_CHARS = 60;

// making one takes longer than using it, and ages are written for every device once a second
const kept = new Map<string, unknown>();
function made<Format>(key: string, make: (locale: string) => Format): Format {
  const { locale } = language;
  const whole = `${locale} ${key}`;
  const before = kept.get(whole) as Format | undefined;
  if (before) return before;
  const format = make(locale);
  kept.set(whole, format);
  return format;
}

export function number(value: number, digits = 2): string {
  return made(
    `number ${digits}`,
    (locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }),
  ).format(value);
}

/** "now", "3 min ago" */
export function age(sinceMs: number, nowMs: number): string {
  const format = made(
    'age',
    (locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }),
  );
  const passed = nowMs - sinceMs;
  if (passed < NOW_MS) return format.format(0, 'second');
  const [unit, step] = STEPS.find(([, each]) => passed >= each) ?? ['second', SECOND_MS];
  return format.format(-Math.floor(passed / step), unit);
}

export function dateTime(ms: number): string {
  return made(
    'date time',
    (locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }),
  ).format(ms);
}

export function time(ms: number): string {
  return made('time', (locale) => new Intl.DateTimeFormat(locale, { timeStyle: 'medium' })).format(ms);
}

/** Beside an axis: "14:30", or "21 Nov" for a whole day and for midnight. */
export function moment(ms: number, days: boolean): string {
  const at = new Date(ms);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (days || isMidnight)
    return made(
      'day',
      (locale) => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }),
    ).format(ms);
  return made(
    'minute',
    (locale) => new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }),
  ).format(ms);
}

/** "1.5 MB" */
export function bytes(count: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const at = Math.min(units.length - 1, count < 1_000 ? 0 : Math.floor(Math.log10(count) / 3));
  const unit = units[at] ?? 'byte';
  return made(
    `bytes ${unit}`,
    (locale) => new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: at > 1 ? 1 : 0 }),
  ).format(count / 1_000 ** at);
}

/** How an attribute is called: its name in this language, or its own in words. */
export function attributeName(attribute: string): string {
  const numbered = /^(.*?)_(\d|l\d|t\d)$/.exec(attribute);
  const found = language.find(`attributes.${attribute}`);
  if (found !== undefined) return found;
  if (numbered?.[1]) {
    const base = language.find(`attributes.${numbered[1]}`);
    if (base !== undefined) return `${base} ${numbered[2]?.toUpperCase()}`;
  }
  const words = attribute.replaceAll('_', ' ').replaceAll('.', ' · ');
  return words.charAt(0).toLocaleUpperCase(language.locale) + words.slice(1);
}

export interface ShownValue {
  text: string;
  unit: string | undefined;
}

/** A value at a glance; `unit` where something beside it says so. */
export function valueShown(attribute: string, value: JsonValue, unit?: string): ShownValue {
  if (typeof value === 'number') {
    const shownUnit = unit ?? unitOfValue(attribute, value);
    return { text: number(value, Math.abs(value) < 10 ? 2 : 1), unit: shownUnit };
  }
  if (typeof value === 'boolean') {
    const word = language.find(`values.${attribute}.${value}`) ?? language.find(`values.any.${value}`);
    return { text: word ?? String(value), unit: undefined };
  }
  if (typeof value === 'string') {
    const word = language.find(`values.any.${value.toLowerCase()}`);
    const text = value.length > TEXT_SHOWN_CHARS ? `${value.slice(0, TEXT_SHOWN_CHARS - 1)}…` : value;
    return { text: word ?? text, unit };
  }
  if (value === null) return { text: '–', unit: undefined };
  const text = isJsonObject(value) && typeof value['hex'] === 'string' ? value['hex'] : JSON.stringify(value);
  return {
    text: text.length > TEXT_SHOWN_CHARS ? `${text.slice(0, TEXT_SHOWN_CHARS - 1)}…` : text,
    unit: undefined,
  };
}
