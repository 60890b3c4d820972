/**
 * What the clock of the box says beside the time since the box was started: the difference of both changes only when
 * somebody sets the clock. That time is read from the system; between two looks the program's own time stands in.
 */

/** A clock that is off by more than this within one run of the box was set; less may be how it was read. */
export const SET_MS = 1_000;

export interface BoxClockParts {
  /** Since the box was started; goes on while it sleeps. */
  bootTimeMs: () => number;
  now: () => number;
  monotonicNow: () => number;
}

export class BoxClock {
  readonly #parts: BoxClockParts;
  /** What the clock said when the box was started, in milliseconds since 1970, by what it says now. */
  #offsetMs: number;
  /** The same for this program. */
  #anchorMs: number;

  constructor(parts: BoxClockParts) {
    this.#parts = parts;
    this.#offsetMs = parts.now() - parts.bootTimeMs();
    this.#anchorMs = parts.now() - parts.monotonicNow();
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** What it would say now if nobody had set it since `look` found that somebody had. */
  get unsetMs(): number {
    return this.#anchorMs + this.#parts.monotonicNow();
  }

  /** Whether it is worth looking: it costs a subtraction. A box that has slept is looked at too. */
  get seemsSet(): boolean {
    const { now, monotonicNow } = this.#parts;
    return Math.abs(now() - monotonicNow() - this.#anchorMs) > SET_MS;
  }

  /** @returns by how much it was set since the last time; 0 where it was not */
  look(): number {
    const { now, bootTimeMs } = this.#parts;
    const byMs = now() - bootTimeMs() - this.#offsetMs;
    if (Math.abs(byMs) > SET_MS) return byMs;
    this.#anchor();
    return 0;
  }

  /** Takes it as it was set. */
  accept(byMs: number): void {
    this.#offsetMs += byMs;
    this.#anchor();
  }

  #anchor(): void {
    this.#anchorMs = this.#parts.now() - this.#parts.monotonicNow();
  }
}
