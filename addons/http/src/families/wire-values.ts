/** What devices say, taken for no more than it is: a value of the wrong kind is one that is not there. */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';

export function objectIn(value: JsonValue | undefined, key?: string): JsonObject {
  const inner = key === undefined ? value : isJsonObject(value) ? value[key] : undefined;
  return isJsonObject(inner) ? inner : {};
}

export function listIn(value: JsonValue | undefined, key: string): JsonObject[] {
  const inner = isJsonObject(value) ? value[key] : undefined;
  return Array.isArray(inner) ? inner.map((each) => objectIn(each)) : [];
}

export function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function onOff(value: JsonValue | undefined): 'ON' | 'OFF' | undefined {
  return typeof value === 'boolean' ? (value ? 'ON' : 'OFF') : undefined;
}

/** `value * factor`, without the noise of binary fractions. */
export function scaled(value: JsonValue | undefined, factor: number): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : Number((number * factor).toPrecision(12));
}

/** A MAC address or serial number, in one form. */
export function plainId(value: JsonValue | undefined): string | undefined {
  const id = typeof value === 'string' ? value.replace(/[^0-9A-Za-z]/g, '').toUpperCase() : '';
  return id === '' ? undefined : id;
}

/** The first of a kind has the bare name, further ones their number: `power`, `power_2`. */
export function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}_${index + 1}`;
}

/** Those that are there. */
export function present(values: Record<string, JsonValue | undefined>): JsonObject {
  const there = Object.entries(values).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  return Object.fromEntries(there);
}

/** A device of another kind answered. */
export function otherKind(title: string): AddonError {
  return new AddonError('otherKind', `what answers there is no ${title}`, {
    hint: 'is it of this type, and is the address right? the type HTTP-DEVICE takes any device',
  });
}
