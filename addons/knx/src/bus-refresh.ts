/**
 * Asks for values that may have changed unseen: after each connection, and of devices that are new. What happened on the
 * bus during an outage is lost to everyone. One read at a time and a pause after each, for a KNX line is slow; the
 * answers are taken as any telegram is.
 */
import type { Clock } from '@gate/addon-sdk';
import type { Bus } from './link/bus.ts';
import { NO_VALUE } from './wire/cemi.ts';

/** 10 reads a second and their answers leave a line of 9,600 baud half free. */
export const REFRESH_GAP_MS = 100;

export class BusRefresh {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #wanted = new Set<number>();
  #running = false;
  #stopped = false;
  #cancelPause: () => void = () => undefined;

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
  }

  /** What is asked for already is not asked for twice. */
  want(addresses: Iterable<number>): void {
    for (const address of addresses) this.#wanted.add(address);
    if (!this.#running && !this.#stopped) void this.#run();
  }

  /** No link any more: everything is asked for anew with the next one. */
  forget(): void {
    this.#wanted.clear();
  }

  stop(): void {
    this.#stopped = true;
    this.#wanted.clear();
    this.#cancelPause();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (;;) {
      const [address] = this.#wanted;
      if (address === undefined || this.#stopped) break;
      this.#wanted.delete(address);
      // one that nobody on the bus takes is no reason to leave out the others
      await this.#bus
        .send({ service: 'read', destination: address, value: NO_VALUE }, { background: true })
        .catch(() => undefined);
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(REFRESH_GAP_MS, resolve);
        this.#cancelPause = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#running = false;
  }
}
