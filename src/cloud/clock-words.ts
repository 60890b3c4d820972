/** What is said of a failure of TLS that may be due to the box's clock. Pure. */
import { isBelievable } from '../core/clock/believable-clock.ts';

/** To be added to the failure. `builtAt`: when this gate was made; milliseconds since 1970. */
export function clockWords(now: number, builtAt: number): string {
  const says = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return isBelievable(now, builtAt)
    ? `; the clock of this box says ${says}: is it right?`
    : `; this is due to the clock of this box, which says ${says}: it has no time yet`;
}
