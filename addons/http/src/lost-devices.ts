/**
 * Devices of a family that are not where they were: looked for by who they are, until they are found or answer again.
 * One search is for all of them; the pause between two grows from SEARCH_MIN_MS to SEARCH_MAX_MS while nothing is found.
 */
import { backoffMs, type Clock } from '@gate/addon-sdk';
import type { FoundDevice } from './discovery.ts';

export const SEARCH_MIN_MS = 30_000;
export const SEARCH_MAX_MS = 10 * 60_000;
/** A device that is newly lost waits no longer than this after the last search. */
const NEW_LOSS_MS = 15_000;

export interface LostDevicesParts {
  search: () => Promise<FoundDevice[]>;
  onFound: (deviceId: string, found: FoundDevice) => void;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

export class LostDevices {
  readonly #parts: LostDevicesParts;
  /** Identity by device id. */
  readonly #lost = new Map<string, string>();
  #searching = false;
  #stopped = false;
  #fruitless = 0;
  #cancelNext: (() => void) | undefined;
  #searchedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LostDevicesParts) {
    this.#parts = parts;
  }

  add(deviceId: string, identity: string): void {
    if (this.#lost.get(deviceId) === identity) return;
    this.#lost.set(deviceId, identity);
    // one more may well be found: a router that was restarted moves all of them
    this.#fruitless = 0;
    if (!this.#searching)
      this.#next(Math.max(0, this.#searchedAtMs + NEW_LOSS_MS - this.#parts.clock.uptime()));
  }

  remove(deviceId: string): void {
    this.#lost.delete(deviceId);
  }

  stop(): void {
    this.#stopped = true;
    this.#lost.clear();
    this.#cancelNext?.();
  }

  async #search(): Promise<void> {
    this.#cancelNext = undefined;
    if (this.#lost.size === 0) return;
    this.#searching = true;
    this.#searchedAtMs = this.#parts.clock.uptime();
    const found = await this.#parts.search().catch(() => []);
    this.#searching = false;
    let matches = 0;
    for (const [deviceId, identity] of [...this.#lost]) {
      const device = found.find((each) => each.identity?.id === identity);
      if (!device) continue;
      matches += 1;
      this.#lost.delete(deviceId);
      this.#parts.onFound(deviceId, device);
    }
    this.#fruitless = matches > 0 ? 0 : this.#fruitless + 1;
    const { random } = this.#parts;
    const pauseMs = backoffMs(Math.max(1, this.#fruitless), {
      minMs: SEARCH_MIN_MS,
      maxMs: SEARCH_MAX_MS,
      random,
    });
    this.#next(pauseMs);
  }

  #next(afterMs: number): void {
    if (this.#stopped) return;
    this.#cancelNext?.();
    this.#cancelNext = this.#parts.clock.after(afterMs, () => void this.#search());
  }
}
