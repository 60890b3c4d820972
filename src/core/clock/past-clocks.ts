/**
 * Clocks that were wrong in this run of the box and are no more: readings that they dated may come still, for an add-on
 * keeps what is not acknowledged. They are known by their time.
 */
import type { ClockStretch, NewReading } from '../../model/reading.ts';

/** An add-on may have looked at the same clock a little later. */
export const AHEAD_MS = 5_000;
/** So many are remembered; a clock that is set again and again is nobody's right one. */
const PAST_MAX = 32;

interface PastClock extends ClockStretch {
  /** What it said last. */
  untilMs: number;
}

export class PastClocks {
  #clocks: PastClock[] = [];

  get any(): boolean {
    return this.#clocks.length > 0;
  }

  add(stretch: ClockStretch, untilMs: number): void {
    this.#clocks.push({ ...stretch, untilMs });
    if (this.#clocks.length > PAST_MAX) this.#clocks.shift();
  }

  /** @param rightMs the offset of the right clock; undefined while it is not known */
  placed(reading: NewReading, rightMs: number | undefined): NewReading {
    const { ts } = reading;
    const past = this.#clocks.findLast((clock) => isOf(clock, ts, clock.untilMs));
    if (!past) return reading;
    if (rightMs !== undefined) return movedBy(reading, rightMs - past.offsetMs);
    const { k, boot, offsetMs } = past;
    return { ...reading, stretch: { k, boot, offsetMs } };
  }
}

/** Whether a clock that said `untilMs` last has given this time, in a run of the box that began at `offsetMs`. */
export function isOf({ offsetMs }: Pick<ClockStretch, 'offsetMs'>, ts: number, untilMs: number): boolean {
  return ts >= offsetMs - AHEAD_MS && ts <= untilMs + AHEAD_MS;
}

export function movedBy(reading: NewReading, ms: number): NewReading {
  return { ...reading, ts: Math.max(0, Math.round(reading.ts + ms)) };
}
