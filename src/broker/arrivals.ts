/**
 * Add-ons that are about to connect: gate has started them, or has itself just begun. What is asked of one meanwhile
 * waits for it, within its own time, in place of being refused.
 */

/** One that has not come by then is ended by its supervisor, and counts as not running. */
export const ARRIVAL_MAX_MS = 20_000;
/** After the broker has begun to listen: within that gate starts what shall run. */
export const BEGIN_MS = 5_000;

export class Arrivals {
  readonly #monotonicNow: () => number;
  /** Until when each is waited for. */
  readonly #expected = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #beginsUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: { monotonicNow: () => number }) {
    this.#monotonicNow = parts.monotonicNow;
  }

  /** The broker listens from now on. */
  begin(): void {
    this.#beginsUntil = this.#monotonicNow() + BEGIN_MS;
  }

  /** It is being started. */
  expect(slug: string): void {
    this.#expected.set(slug, this.#monotonicNow() + ARRIVAL_MAX_MS);
  }

  /** It listens to its requests. */
  arrived(slug: string): void {
    this.#expected.delete(slug);
    for (const wake of this.#waiting.get(slug) ?? []) wake();
  }

  /** It shall not run any more. */
  givenUp(slug: string): void {
    this.#expected.delete(slug);
    for (const wake of this.#waiting.get(slug) ?? []) wake();
  }

  /**
   * Undefined where it is not expected; else a promise that ends when it has arrived, has been given up, after `maxMs` or
   * when nobody waits any more.
   */
  wait(slug: string, maxMs: number, signal?: AbortSignal): Promise<void> | undefined {
    const until = Math.max(this.#expected.get(slug) ?? Number.NEGATIVE_INFINITY, this.#beginsUntil);
    const leftMs = Math.min(until - this.#monotonicNow(), maxMs);
    if (leftMs <= 0 || signal?.aborted) return undefined;
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(slug) ?? new Set();
      this.#waiting.set(slug, waiting);
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(slug);
        resolve();
      };
      const timer = setTimeout(wake, leftMs);
      signal?.addEventListener('abort', wake);
      waiting.add(wake);
    });
  }
}
