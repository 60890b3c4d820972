/**
 * Lets devices in while somebody is being paired, and at no other time. Opening and closing are done one at a time: a
 * closing that lands after the next opening would shut out whom it was opened for.
 */
import type { Clock } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';

/** Zigbee, clause 2.4.3.3.7: 255 would be for ever. */
const PERMIT_MAX_SECONDS = 254;
const CLOSE_ATTEMPTS = 5;
const CLOSE_AGAIN_MS = 1_000;

export class JoinWindow {
  readonly #clock: Clock;
  #tail: Promise<unknown> = Promise.resolve();
  #openUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Open until then at least, in milliseconds of `uptime`; 0 closes. @throws what the coordinator says */
  set(controller: Controller, untilMs: number): Promise<void> {
    const work = this.#tail.then(async () => {
      const nowMs = this.#clock.uptime();
      if (untilMs <= nowMs) {
        // also one whose time is over: an EmberZNet stick goes on giving the key to what a router lets in
        if (this.#openUntilMs > 0) await this.#close(controller);
        this.#openUntilMs = 0;
      } else if (untilMs > this.#openUntilMs) {
        const seconds = Math.min(PERMIT_MAX_SECONDS, Math.ceil((untilMs - nowMs) / 1000) + 1);
        await controller.permitJoin(seconds);
        this.#openUntilMs = nowMs + seconds * 1000;
      }
    });
    this.#tail = work.catch(() => undefined);
    return work;
  }

  /** An open network is an open door: a closing that fails is tried again. */
  async #close(controller: Controller): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await controller.permitJoin(0);
      } catch (error) {
        if (attempt === CLOSE_ATTEMPTS) throw error;
        await new Promise<void>((resolve) => this.#clock.after(CLOSE_AGAIN_MS, resolve));
      }
    }
  }

  /** What needs the radio for itself, such as Touchlink: opening and closing wait for it. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** The coordinator is gone, and with it what it was told. */
  forget(): void {
    this.#openUntilMs = 0;
  }
}
