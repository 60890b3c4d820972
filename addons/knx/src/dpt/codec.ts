/** How the values of one datapoint type become bytes and back. */
import { isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';

export interface ValueCodec {
  /** Up to 6 travel inside the telegram's second byte, more as whole bytes. */
  bits: number;
  unit?: string | undefined;
  /** The values it takes, for people. */
  takes: string;
  /** undefined: not a value of this type. */
  encode: (value: JsonValue) => Buffer | undefined;
  /** `bytes` has the length of the type. undefined: not a value of this type. */
  decode: (bytes: Buffer) => JsonValue | undefined;
}

export function isWhole(value: JsonValue | undefined, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** true, false, 1 or 0; undefined for anything else. */
export function bitOf(value: JsonValue | undefined): 0 | 1 | undefined {
  if (value === true || value === 1) return 1;
  return value === false || value === 0 ? 0 : undefined;
}

/** An object that has no other keys than these. */
export function objectWith(value: JsonValue, keys: readonly string[]): JsonObject | undefined {
  return isJsonObject(value) && Object.keys(value).every((key) => keys.includes(key)) ? value : undefined;
}
