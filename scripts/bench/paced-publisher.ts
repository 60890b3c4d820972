/** Publishes no more often than so many times a second, in the order of the calls, as a link within limits does. */
import type { CloudPublisher } from '../../src/cloud/publisher.ts';

export class PacedPublisher implements CloudPublisher {
  readonly #publisher: CloudPublisher;
  readonly #everyMs: number;
  #nextAt = 0;

  constructor(publisher: CloudPublisher, perSecond: number) {
    this.#publisher = publisher;
    this.#everyMs = 1_000 / perSecond;
  }

  async publish(topic: string, payload: string): Promise<void> {
    const now = performance.now();
    this.#nextAt = Math.max(now, this.#nextAt + this.#everyMs);
    const waitMs = this.#nextAt - now;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    return this.#publisher.publish(topic, payload);
  }
}
