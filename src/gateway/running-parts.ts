/** What was started, and its end in reverse order: intake first, stores last. */
import type { Logger } from '../lib/logger.ts';

/** Something that was started and wants to be stopped. */
export type Stop = () => Promise<void> | void;

export class RunningParts {
  readonly #logger: Logger;
  readonly #stops: Stop[] = [];
  #stopped: Promise<void> | undefined;

  constructor(parts: { logger: Logger }) {
    this.#logger = parts.logger;
  }

  /** Starts a part and notes it first: a start that fails half-way leaves something to stop. */
  async run(part: { start: () => unknown; stop: Stop }): Promise<void> {
    this.onStop(() => part.stop());
    await part.start();
  }

  /** For a part that was started already, and for one that stops in two steps. */
  onStop(stop: Stop): void {
    this.#stops.push(stop);
  }

  /** A part that does not stop cleanly is logged and holds up no other. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        this.#logger.error({ err: error }, 'a part did not stop cleanly');
      }
    }
  }
}
