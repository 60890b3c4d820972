/** Intervals as text: a whole number and a unit, `30s`, `5m`, `1h`, `1d`. Pure. */

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const INTERVAL_MIN_MS = UNITS_MS.s;
export const INTERVAL_MAX_MS = 366 * UNITS_MS.d;

/** @returns undefined for what is not an interval of 1 s to 366 d */
export function parseInterval(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([smhd])$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const ms = Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS];
  return ms >= INTERVAL_MIN_MS && ms <= INTERVAL_MAX_MS ? ms : undefined;
}

/** The shortest interval of at least `ms`, in whole steps of the largest unit that is not longer. */
export function intervalText(ms: number): string {
  const units = Object.entries(UNITS_MS).reverse();
  const [unit, unitMs] = units.find(([, length]) => length <= ms) ?? ['s', UNITS_MS.s];
  return `${Math.max(1, Math.ceil(ms / unitMs))}${unit}`;
}
