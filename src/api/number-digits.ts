/**
 * Numbers written as digits into a buffer, where they are as most readings have them: up to three decimals, up to seven
 * digits before them. All others are written as JavaScript does it, which takes five times as long.
 */

const SCALE = 1_000;
/** The most that fits 32 bits: whole numbers are divided quickly. */
const SCALED_MAX = 2_147_483_647;
const [MINUS, POINT, ZERO] = [45, 46, 48];

/** Bytes that the longest number takes: `-0.0000010330156431627311` and its like. */
export const NUMBER_BYTES_MAX = 25;

/** @param value finite; there must be room for `NUMBER_BYTES_MAX`. @returns where its text ends */
export function writeNumber(buffer: Buffer, at: number, value: number): number {
  const size = Math.abs(value);
  const scaled = Math.round(size * SCALE);
  // what comes back as the same number has no other text as short: ten digits are told apart
  if (scaled > SCALED_MAX || scaled / SCALE !== size) return at + buffer.write(String(value), at, 'latin1');
  let end = at;
  if (value < 0) buffer[end++] = MINUS;
  const whole = (scaled / SCALE) | 0;
  end = writeWhole(buffer, end, whole);
  const decimals = scaled - whole * SCALE;
  return decimals === 0 ? end : writeDecimals(buffer, end, decimals);
}

function writeWhole(buffer: Buffer, at: number, value: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end += 1;
  let rest = value;
  for (let place = end - 1; place >= at; place -= 1) {
    const tenth = (rest / 10) | 0;
    buffer[place] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

/** @param thousandths from 1 to 999 */
function writeDecimals(buffer: Buffer, at: number, thousandths: number): number {
  buffer[at] = POINT;
  writeThree(buffer, at + 1, thousandths);
  if (thousandths % 10 !== 0) return at + 4;
  return thousandths % 100 === 0 ? at + 2 : at + 3;
}

/** @param value from 0 to 999 */
export function writeThree(buffer: Buffer, at: number, value: number): void {
  const hundreds = (value / 100) | 0;
  buffer[at] = ZERO + hundreds;
  writeTwo(buffer, at + 1, value - hundreds * 100);
}

/** @param value from 0 to 99 */
export function writeTwo(buffer: Buffer, at: number, value: number): void {
  const tens = (value / 10) | 0;
  buffer[at] = ZERO + tens;
  buffer[at + 1] = ZERO + value - tens * 10;
}
