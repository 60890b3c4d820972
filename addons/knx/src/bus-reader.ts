/** Reads of group addresses: what the bus answers, and what nobody answers in time. */
import type { Bus } from './link/bus.ts';
import { type GroupTelegram, NO_VALUE, type RawValue } from './wire/cemi.ts';

/** How long a device has for its answer, counted from when the last read went out. */
export const READ_ANSWER_MS = 3_000;

export class BusReader {
  readonly #bus: Bus;
  readonly #waiting = new Map<number, Set<(value: RawValue) => void>>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Takes part in what comes from the bus. */
  receive({ service, destination, value }: GroupTelegram): void {
    if (service !== 'response') return;
    for (const answer of this.#waiting.get(destination) ?? []) answer(value);
  }

  /**
   * The answers by group address; who did not answer is missing. @throws AddonError as `Bus.send`
   */
  async read(addresses: readonly number[], signal: AbortSignal): Promise<Map<number, RawValue>> {
    const answers = new Map<number, RawValue>();
    const all = Promise.withResolvers<void>();
    const ears = [...new Set(addresses)].map((address) => {
      const ear = (value: RawValue) => {
        answers.set(address, value);
        if (answers.size === ears.length) all.resolve();
      };
      this.#earsAt(address).add(ear);
      return { address, ear };
    });
    try {
      for (const { address } of ears) {
        await this.#bus.send({ service: 'read', destination: address, value: NO_VALUE }, { signal });
      }
      const enough = AbortSignal.any([signal, AbortSignal.timeout(READ_ANSWER_MS)]);
      enough.addEventListener('abort', () => all.resolve(), { once: true });
      if (enough.aborted || answers.size === ears.length) all.resolve();
      await all.promise;
      return answers;
    } finally {
      for (const { address, ear } of ears) {
        const there = this.#earsAt(address);
        there.delete(ear);
        if (there.size === 0) this.#waiting.delete(address);
      }
    }
  }

  #earsAt(address: number): Set<(value: RawValue) => void> {
    const ears = this.#waiting.get(address) ?? new Set();
    this.#waiting.set(address, ears);
    return ears;
  }
}
