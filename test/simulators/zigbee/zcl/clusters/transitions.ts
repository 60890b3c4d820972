/** Values that move to a target over time, in steps of a tenth of a second. */
import type { Cluster } from '../cluster.ts';

const STEP_MS = 100;

export class Transitions {
  readonly #cluster: Cluster;
  readonly #running = new Map<number, NodeJS.Timeout>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  to(attribute: number, target: number, durationMs: number, done: () => void = () => undefined): void {
    clearInterval(this.#running.get(attribute));
    this.#running.delete(attribute);
    const from = this.#cluster.number(attribute);
    if (durationMs < STEP_MS || from === target) {
      this.#cluster.set(attribute, target);
      done();
      return;
    }
    const startedAtMs = Date.now();
    const timer = setInterval(() => {
      const part = Math.min(1, (Date.now() - startedAtMs) / durationMs);
      this.#cluster.set(attribute, Math.round(from + (target - from) * part));
      if (part < 1) return;
      clearInterval(timer);
      this.#running.delete(attribute);
      done();
    }, STEP_MS).unref();
    this.#running.set(attribute, timer);
  }

  stop(): void {
    for (const timer of this.#running.values()) clearInterval(timer);
    this.#running.clear();
  }
}
