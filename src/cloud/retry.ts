/**
 * When the cloud is tried again. The wait is drawn evenly from 1 s up to a bound that doubles with each attempt, 5 min
 * at most (full jitter), and begins anew only after a connection that lasted a minute. Pure but for `random`.
 */
export const RETRY_MIN_MS = 1_000;
export const RETRY_MAX_MS = 300_000;
/** A connection that lived so long was a good one. */
export const STABLE_MS = 60_000;
/** Two clients with one id end each other: whoever comes back at once makes it worse. So many attempts are skipped. */
const TAKEN_OVER_ATTEMPT = 5;
const TAKEN_OVER_MIN_MS = 30_000;

export interface RetryParts {
  maxMs: number;
  random: () => number;
}

export class Retry {
  readonly #parts: RetryParts;
  #attempt = 0;

  constructor(parts: RetryParts) {
    this.#parts = parts;
  }

  /** How long to wait now that a connection has ended that lived for `livedMs`; 0 for one that was not made. */
  afterEnd({ livedMs, isTakenOver }: { livedMs: number; isTakenOver: boolean }): number {
    const { maxMs, random } = this.#parts;
    if (isTakenOver) this.#attempt = Math.max(this.#attempt, TAKEN_OVER_ATTEMPT);
    else if (livedMs >= STABLE_MS) this.#attempt = 0;
    const minMs = Math.min(maxMs, isTakenOver ? TAKEN_OVER_MIN_MS : RETRY_MIN_MS);
    this.#attempt += 1;
    const boundMs = Math.min(maxMs, RETRY_MIN_MS * 2 ** Math.min(this.#attempt, 30));
    return Math.round(minMs + Math.max(0, boundMs - minMs) * random());
  }
}
