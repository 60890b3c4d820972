/**
 * Datapoint types (KNX standard, 03_07_02): what the bits of a telegram mean. A value is checked before it is encoded,
 * a telegram's length before it is decoded; neither is ever cut to fit.
 */
import { AddonError, type JsonValue } from '@gate/addon-sdk';
import type { RawValue } from '../wire/cemi.ts';
import type { ValueCodec } from './codec.ts';
import { COMPOSITES } from './composites.ts';
import { DATES } from './dates.ts';
import { NUMBERS } from './numbers.ts';
import { TEXTS } from './texts.ts';

export interface DatapointType {
  /** As it was asked for, in the form "9.001", or "9" without a subtype. */
  id: string;
  /** Of a number; undefined where there is none. */
  unit: string | undefined;
  /** @throws AddonError badRequest for a value that the type does not have */
  encode(value: JsonValue): RawValue;
  /** @throws AddonError badTelegram for a length or content that the type does not have */
  decode(raw: RawValue): JsonValue;
}

type CodecOf = (subtype: number | undefined) => ValueCodec;

const MAIN_TYPES: Readonly<Record<number, CodecOf>> = { ...NUMBERS, ...COMPOSITES, ...DATES, ...TEXTS };

/** The main types that are known. */
export const KNOWN_TYPES = Object.keys(MAIN_TYPES).map(Number);

/** "9.001", "DPT9.001" or ETS's "DPST-9-1", "DPT-9". */
const NAME = /^(?:DPS?T[- ]?)?(\d{1,3})(?:[.-](\d{1,5}))?$/i;

/** @throws AddonError badRequest for a type that is not known */
export function datapointType(name: unknown): DatapointType {
  const match = typeof name === 'string' ? NAME.exec(name.trim()) : null;
  const main = Number(match?.[1]);
  const codecOf = MAIN_TYPES[main];
  if (codecOf === undefined) {
    throw new AddonError('badRequest', `${JSON.stringify(name)} is not a datapoint type that is known`, {
      hint: `in the form "9.001"; known are ${KNOWN_TYPES.join(', ')}, with their subtypes`,
    });
  }
  const subtype = match?.[2] === undefined ? undefined : Number(match[2]);
  const id = subtype === undefined ? String(main) : `${main}.${String(subtype).padStart(3, '0')}`;
  const codec = codecOf(subtype);
  return {
    id,
    unit: codec.unit,
    encode(value) {
      const bytes = codec.encode(value);
      if (bytes === undefined) {
        throw new AddonError('badRequest', `${shown(value)} is no value of DPT ${id}`, {
          hint: `it takes ${codec.takes}`,
        });
      }
      return { short: codec.bits <= 6, bytes };
    },
    decode(raw) {
      const fits = codec.bits <= 6 ? raw.short : !raw.short && raw.bytes.length === codec.bits / 8;
      const value = fits ? codec.decode(raw.bytes) : undefined;
      if (value !== undefined) return value;
      const what = `${raw.short ? 'up to 6 bits' : `${raw.bytes.length} bytes`} (${raw.bytes.toString('hex')})`;
      throw new AddonError('badTelegram', `a telegram of ${what} is no value of DPT ${id}`, {
        hint: 'does "dpt" say what ETS shows for this group address?',
      });
    },
  };
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
