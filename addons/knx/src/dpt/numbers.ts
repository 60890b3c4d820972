/** Numbers: DPT 5 to 9, 12 to 14, 17, 20 to 23 and 29. */
import type { JsonValue } from '@gate/addon-sdk';
import { isWhole, type ValueCodec } from './codec.ts';
import { unitOf } from './units.ts';

interface Integer {
  bytes: number;
  signed: boolean;
  /** Narrower than its bits allow. */
  max?: number;
  /** What one step on the wire is worth. */
  step?: number;
}

function integer(main: number, subtype: number | undefined, of: Integer): ValueCodec {
  const { bytes, signed, step = 1 } = of;
  const top = 2 ** (bytes * 8 - (signed ? 1 : 0));
  const [min, max] = [signed ? -top : 0, Math.min(of.max ?? top - 1, top - 1)];
  const unit = unitOf(main, subtype);
  const takes = `${step === 1 ? 'a whole number' : 'a number'} from ${min * step} to ${scaled(max, step)}`;
  return {
    bits: bytes * 8,
    unit,
    takes,
    encode(value) {
      if (typeof value !== 'number' || (step === 1 && !Number.isInteger(value))) return undefined;
      const steps = Math.round(value / step);
      if (!isWhole(steps, min, max) || value < min * step || value > max * step) return undefined;
      const raw = Buffer.alloc(bytes);
      if (signed) raw.writeIntBE(steps, 0, bytes);
      else raw.writeUIntBE(steps, 0, bytes);
      return raw;
    },
    decode(raw) {
      const steps = signed ? raw.readIntBE(0, bytes) : raw.readUIntBE(0, bytes);
      return steps <= max ? scaled(steps, step) : undefined;
    },
  };
}

/** Without the tail that 0.01 leaves in binary fractions. */
function scaled(steps: number, step: number): number {
  return step < 1 ? steps / Math.round(1 / step) : steps * step;
}

/** 5.001 and 5.003: 0 to 255 stands for 0 to `full`; whole percents and degrees are what devices mean. */
function scaling(subtype: number, full: number): ValueCodec {
  const unit = unitOf(5, subtype);
  return {
    bits: 8,
    unit,
    takes: `a number from 0 to ${full} (${unit})`,
    encode: (value) => (isNumber(value, 0, full) ? Buffer.of(Math.round((value * 255) / full)) : undefined),
    decode: (raw) => Math.round(((raw[0] as number) * full) / 255),
  };
}

/** Lowest values of subtypes that do not begin where the format does. */
const LOWEST_9: Readonly<Record<number, number>> = {
  1: -273,
  4: 0,
  5: 0,
  6: 0,
  7: 0,
  8: 0,
  27: -459.6,
  28: 0,
  29: 0,
  30: 0,
};
const MANTISSA_MAX = 2_047;
/** 0x7FFF is not a number but "no valid value". */
const INVALID_9 = 0x7fff;
const HIGHEST_9 = 670_433.28;

/** Two bytes, 0.01 · M · 2^E: sign, 4 bits of exponent, 11 of mantissa (two's complement). */
function shortFloat(subtype: number | undefined): ValueCodec {
  const min = LOWEST_9[subtype ?? 0] ?? -671_088.64;
  return {
    bits: 16,
    unit: unitOf(9, subtype),
    takes: `a number from ${min} to ${HIGHEST_9}, in steps that grow with it from 0.01`,
    encode(value) {
      if (!isNumber(value, min, HIGHEST_9)) return undefined;
      let exponent = 0;
      let mantissa = Math.round(value * 100);
      while (mantissa < -MANTISSA_MAX - 1 || mantissa > MANTISSA_MAX) {
        exponent += 1;
        mantissa = Math.round((value * 100) / 2 ** exponent);
      }
      const raw = Buffer.alloc(2);
      raw.writeUInt16BE((mantissa < 0 ? 0x8000 : 0) | (exponent << 11) | (mantissa & 0x7ff));
      return raw;
    },
    decode(raw) {
      const bits = raw.readUInt16BE();
      if (bits === INVALID_9) return null;
      const mantissa = (bits & 0x7ff) - (bits & 0x8000 ? 0x800 : 0);
      return (mantissa * 2 ** ((bits >> 11) & 15)) / 100;
    },
  };
}

function float32(subtype: number | undefined): ValueCodec {
  return {
    bits: 32,
    unit: unitOf(14, subtype),
    takes: 'a number with about 7 digits, up to 3.4e38',
    encode(value) {
      if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) return undefined;
      const raw = Buffer.alloc(4);
      // without the sign of -0
      raw.writeFloatBE(Math.fround(value) + 0);
      return raw;
    },
    decode(raw) {
      const value = raw.readFloatBE();
      return Number.isFinite(value) ? shortest(value) : null;
    },
  };
}

/** As short as the four bytes mean it: 21.6 and not 21.600000381469727. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** Energy counters of 64 bits; past 2^53 a number would no longer be exact. */
function int64(subtype: number | undefined): ValueCodec {
  const { MIN_SAFE_INTEGER: min, MAX_SAFE_INTEGER: max } = Number;
  return {
    bits: 64,
    unit: unitOf(29, subtype),
    takes: `a whole number from ${min} to ${max}`,
    encode(value) {
      if (!isWhole(value, min, max)) return undefined;
      const raw = Buffer.alloc(8);
      raw.writeBigInt64BE(BigInt(value));
      return raw;
    },
    decode(raw) {
      const value = Number(raw.readBigInt64BE());
      return Number.isSafeInteger(value) ? value : undefined;
    },
  };
}

function isNumber(value: JsonValue, min: number, max: number): value is number {
  return typeof value === 'number' && value >= min && value <= max;
}

/** Times in steps (7.003, 7.004, 8.003, 8.004), percents in hundredths (8.010). */
const STEPS: Readonly<Record<number, number>> = { 3: 10, 4: 100 };
const twoBits: ValueCodec = {
  bits: 2,
  takes: 'a whole number from 0 to 3',
  encode: (value) => (isWhole(value, 0, 3) ? Buffer.of(value) : undefined),
  decode: ([bits = 0]) => (bits <= 3 ? bits : undefined),
};

export const NUMBERS: Readonly<Record<number, (subtype: number | undefined) => ValueCodec>> = {
  5: (subtype) => {
    if (subtype === 1) return scaling(1, 100);
    return subtype === 3 ? scaling(3, 360) : integer(5, subtype, { bytes: 1, signed: false });
  },
  6: (subtype) => integer(6, subtype, { bytes: 1, signed: true }),
  7: (subtype) => integer(7, subtype, { bytes: 2, signed: false, step: STEPS[subtype ?? 0] ?? 1 }),
  8: (subtype) =>
    integer(8, subtype, { bytes: 2, signed: true, step: subtype === 10 ? 0.01 : (STEPS[subtype ?? 0] ?? 1) }),
  9: shortFloat,
  12: (subtype) => integer(12, subtype, { bytes: 4, signed: false }),
  13: (subtype) => integer(13, subtype, { bytes: 4, signed: true }),
  14: float32,
  17: (subtype) => integer(17, subtype, { bytes: 1, signed: false, max: 63 }),
  20: (subtype) => integer(20, subtype, { bytes: 1, signed: false }),
  21: (subtype) => integer(21, subtype, { bytes: 1, signed: false }),
  22: (subtype) => integer(22, subtype, { bytes: 2, signed: false }),
  23: () => twoBits,
  29: int64,
};
