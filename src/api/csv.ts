/**
 * CSV as RFC 4180 has it: CRLF, quotes where they are needed. What a spreadsheet would take for a formula is made
 * harmless by an apostrophe before it, in texts only: a number stays a number. JSON has the exact text. Pure.
 */
import type { JsonValue } from '../model/json.ts';

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const TO_QUOTE = /[",\r\n]/;

/** `null` is an empty field, an empty text `""`; objects and arrays are their JSON. */
export function csvField(value: JsonValue): string {
  if (value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === '') return '""';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return TO_QUOTE.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function csvRow(fields: readonly JsonValue[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}
