/**
 * Polls one device: never twice at once, at a steady beat while it answers, ever more rarely while it does not.
 *
 * The device counts as offline after its second failure in a row and as online again at its first answer.
 */
import { AddonError, backoffMs, type Clock, type JsonValue } from '@gate/addon-sdk';

/** Longest wait between two attempts to reach a device that does not answer, unless its interval is longer. */
export const BACKOFF_MAX_MS = 5 * 60_000;
/** The first poll comes within this time, at a moment drawn by chance. */
const START_SPREAD_MS = 2_000;
/** A device that is slower than its interval gets this much rest between two polls. */
const REST_MIN_MS = 100;
const OFFLINE_AFTER_FAILURES = 2;

export interface Polled {
  body: JsonValue;
  /** Milliseconds since 1970. */
  ts: number;
}

export interface HttpPollerParts {
  intervalMs: number;
  /** Asks the device once. */
  poll: (signal: AbortSignal) => Promise<Polled>;
  /** Takes an answer. What it throws counts as a failed poll. */
  onAnswer: (polled: Polled) => void;
  onAvailability: (online: boolean, reason?: string) => void;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

export class HttpPoller {
  readonly #parts: HttpPollerParts;
  readonly #abort = new AbortController();
  #cancelNext: (() => void) | undefined;
  #failures = 0;

  constructor(parts: HttpPollerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { intervalMs, random } = this.#parts;
    this.#next(random() * Math.min(intervalMs, START_SPREAD_MS));
  }

  /** Ends for good; a poll under way is broken off and tells nothing any more. */
  stop(): void {
    this.#cancelNext?.();
    this.#abort.abort(new AddonError('stopping', 'the poll was called off'));
  }

  #next(afterMs: number): void {
    if (this.#abort.signal.aborted) return;
    this.#cancelNext = this.#parts.clock.after(afterMs, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    const { poll, onAnswer, onAvailability, clock, intervalMs } = this.#parts;
    const { signal } = this.#abort;
    const startedAt = clock.uptime();
    try {
      const polled = await poll(signal);
      if (signal.aborted) return;
      onAnswer(polled);
      this.#failures = 0;
      onAvailability(true);
      this.#next(Math.max(REST_MIN_MS, intervalMs - (clock.uptime() - startedAt)));
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      if (this.#failures >= OFFLINE_AFTER_FAILURES) onAvailability(false, (error as Error).message);
      this.#next(this.#backoffMs());
    }
  }

  #backoffMs(): number {
    const { intervalMs, random } = this.#parts;
    const maxMs = Math.max(intervalMs, BACKOFF_MAX_MS);
    return backoffMs(this.#failures, { minMs: intervalMs, maxMs, random });
  }
}
