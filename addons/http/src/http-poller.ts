/**
 * Polls one device: never twice at once, at a steady beat while it answers, ever more rarely while it does not.
 *
 * The device counts as offline after its second failure in a row and as online again at its first answer. Its first
 * poll comes soon; the next one finds a beat of its own, so that many devices spread over their interval.
 */
import { AddonError, backoffMs, type Clock, type JsonValue } from '@gate/addon-sdk';

/** Longest wait between two attempts to reach a device that does not answer, unless its interval is longer. */
export const BACKOFF_MAX_MS = 5 * 60_000;
/** The first poll comes within this time, at a moment drawn by chance. */
const START_SPREAD_MS = 2_000;
/** A device that is slower than its interval gets this much rest between two polls. */
const REST_MIN_MS = 100;
const OFFLINE_AFTER_FAILURES = 2;
/** After something was told to the device: it needs a moment until its status shows it. */
const SOON_MS = 250;

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
  /** Hears why a device is offline, at each failure. */
  onFailure?: (error: unknown) => void;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

export class HttpPoller {
  readonly #parts: HttpPollerParts;
  readonly #abort = new AbortController();
  #cancelNext: (() => void) | undefined;
  #failures = 0;
  #answered = 0;
  #polling = false;
  #again = false;

  constructor(parts: HttpPollerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { intervalMs, random } = this.#parts;
    this.#next(random() * Math.min(intervalMs, START_SPREAD_MS));
  }

  /** Brings the next poll forward; one that is under way is followed by another. */
  soon(): void {
    if (this.#polling) this.#again = true;
    else {
      this.#cancelNext?.();
      this.#next(SOON_MS);
    }
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
    const { poll, onAnswer, onAvailability, onFailure, clock, intervalMs, random } = this.#parts;
    const { signal } = this.#abort;
    const startedAt = clock.uptime();
    this.#polling = true;
    this.#again = false;
    try {
      const polled = await poll(signal);
      if (signal.aborted) return;
      onAnswer(polled);
      this.#failures = 0;
      onAvailability(true);
      this.#answered += 1;
      const beatMs = this.#answered === 1 ? intervalMs * (0.5 + random()) : intervalMs;
      this.#next(this.#again ? SOON_MS : Math.max(REST_MIN_MS, beatMs - (clock.uptime() - startedAt)));
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      if (this.#failures >= OFFLINE_AFTER_FAILURES) {
        onAvailability(false, (error as Error).message);
        onFailure?.(error);
      }
      this.#next(this.#backoffMs());
    } finally {
      this.#polling = false;
    }
  }

  #backoffMs(): number {
    const { intervalMs, random } = this.#parts;
    const maxMs = Math.max(intervalMs, BACKOFF_MAX_MS);
    return backoffMs(this.#failures, { minMs: intervalMs, maxMs, random });
  }
}
