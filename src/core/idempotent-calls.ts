/**
 * Calls that a caller may repeat under a key of its own: the first one is carried out, a repeat gets its outcome. What
 * was done, or may have been done (no answer in time), is not done again; what surely was not (refused, add-on away)
 * is forgotten, so that a repeat tries anew.
 *
 * Bounded, and in memory: a restart forgets every key.
 */
import { GatewayError } from '../model/error.ts';

/** Keys remembered; past it the oldest is forgotten. */
export const IDEMPOTENCY_KEYS_MAX = 1_000;
/** How long a key is remembered. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000;

interface Call {
  fingerprint: string;
  outcome: Promise<unknown>;
  beganAtMs: number;
}

export class IdempotentCalls {
  readonly #monotonicNow: () => number;
  /** In the order they began. */
  readonly #calls = new Map<string, Call>();

  constructor(parts: { monotonicNow: () => number }) {
    this.#monotonicNow = parts.monotonicNow;
  }

  /**
   * @param fingerprint tells one call from another: the same key for another call is a mistake
   * @throws GatewayError conflict for that mistake; otherwise what `call` throws
   */
  run<T>(key: string, fingerprint: string, call: () => Promise<T>): Promise<T> {
    this.#forgetOld();
    const known = this.#calls.get(key);
    if (known) {
      if (known.fingerprint === fingerprint) return known.outcome as Promise<T>;
      throw new GatewayError('conflict', 'this Idempotency-Key was used for another call', {
        hint: 'take a new key for each call, and the same one only to repeat it',
      });
    }
    const outcome = call();
    this.#calls.set(key, { fingerprint, outcome, beganAtMs: this.#monotonicNow() });
    outcome.catch((error: unknown) => {
      if (!mayHaveBeenDone(error)) this.#calls.delete(key);
    });
    return outcome;
  }

  #forgetOld(): void {
    for (const [key, { beganAtMs }] of this.#calls) {
      if (this.#calls.size < IDEMPOTENCY_KEYS_MAX && this.#monotonicNow() - beganAtMs < IDEMPOTENCY_KEPT_MS)
        return;
      this.#calls.delete(key);
    }
  }
}

function mayHaveBeenDone(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'deviceTimeout';
}
