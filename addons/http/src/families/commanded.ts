/** What a caller wants a family's device to do: names and values checked, before the device is asked anything. */
import { AddonError, type JsonObject, type JsonValue } from '@gate/addon-sdk';

/** `state_2`: the name, and the channel counted from 0. */
export interface Commanded {
  name: string;
  channel: number;
  value: JsonValue;
}

/** @throws AddonError badRequest when there is none, or one that the device does not have */
export function commandedIn(values: JsonObject, known: readonly string[]): Commanded[] {
  const entries = Object.entries(values);
  if (entries.length === 0) throw bad('nothing to set', `it takes ${known.join(', ') || 'no commands'}`);
  return entries.map(([key, value]) => {
    if (!known.includes(key)) {
      throw bad(
        `this device has no "${key}" that can be set`,
        `it takes ${known.join(', ') || 'no commands'}`,
      );
    }
    const [, name = key, number] = /^(.*?)_(\d{1,2})$/.exec(key) ?? [];
    return { name, channel: number === undefined ? 0 : Number(number) - 1, value };
  });
}

/** @throws AddonError badRequest */
export function oneOf<const Word extends string>(words: readonly Word[], { name, value }: Commanded): Word {
  const upper = typeof value === 'boolean' ? (value ? 'ON' : 'OFF') : String(value).toUpperCase();
  const word = words.find((each) => each === upper);
  if (word === undefined) throw bad(`"${name}" must be ${words.join(', ')}`);
  return word;
}

/** @throws AddonError badRequest */
export function within(min: number, max: number, { name, value }: Commanded): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw bad(`"${name}" must be a whole number from ${min} to ${max}`);
}

/** `{r, g, b}`, 0 to 255 each. @throws AddonError badRequest */
export function colorOf({ name, value }: Commanded): [number, number, number] {
  const { r, g, b } = (value ?? {}) as JsonObject;
  const parts = [r, g, b];
  const valid = parts.every(
    (part) => Number.isInteger(part) && (part as number) >= 0 && (part as number) <= 255,
  );
  if (!valid) throw bad(`"${name}" must be {"r", "g", "b"}, each a whole number from 0 to 255`);
  return parts as [number, number, number];
}

function bad(message: string, hint?: string): AddonError {
  return new AddonError('badRequest', message, { hint });
}
