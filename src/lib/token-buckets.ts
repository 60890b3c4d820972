/**
 * A token bucket for each key: `burst` at once, `ratePerSecond` for long. Bounded: past `keysMax` the key that was
 * used longest ago is forgotten, and would begin with a full bucket again.
 */
export interface TokenBucketsParts {
  ratePerSecond: number;
  burst: number;
  keysMax: number;
  monotonicNow: () => number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

export class TokenBuckets {
  readonly #parts: TokenBucketsParts;
  /** The key used last stands last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(parts: TokenBucketsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token of `key`: 0 when there was one, else the milliseconds until there is. */
  take(key: string): number {
    const { ratePerSecond, burst, monotonicNow } = this.#parts;
    const nowMs = monotonicNow();
    const before = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs };
    const gained = ((nowMs - before.filledAtMs) / 1_000) * ratePerSecond;
    const tokens = Math.min(burst, before.tokens + gained);
    const taken = tokens >= 1 ? 1 : 0;
    this.#keep(key, { tokens: tokens - taken, filledAtMs: nowMs });
    return taken === 1 ? 0 : ((1 - tokens) / ratePerSecond) * 1_000;
  }

  #keep(key: string, bucket: Bucket): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= this.#parts.keysMax) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
