/** Whether the box's clock can be right, and what is said of a failure that may be due to it. Pure. */

/** No gate was built before. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

/** `builtAt`: when this gate was; a clock that is behind that is wrong. Milliseconds since 1970. */
export function isBelievable(now: number, builtAt: number): boolean {
  return now >= Math.max(EARLIEST_MS, builtAt);
}

/** To be added to a failure that the time decides over. */
export function clockWords(now: number, builtAt: number): string {
  const says = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return isBelievable(now, builtAt)
    ? `; the clock of this box says ${says}: is it right?`
    : `; this is due to the clock of this box, which says ${says}: it has no time yet`;
}
