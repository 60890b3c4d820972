/** The protocols, kept up to date by what is told of installations; the progress of a pull comes with the events. */

import type { Protocol } from '../api/answers.ts';
import { api, quietly, request } from '../api/client.ts';
import { live } from '../live/live.svelte.ts';
import type { LiveEvents } from '../live/live-events.ts';

/** While something is under way: its steps are told to those only who may administer. */
const AGAIN_MS = 3_000;
const UNDER_WAY = new Set(['installing', 'updating', 'removing']);

export class Protocols {
  #list = $state.raw<Protocol[] | undefined>();
  #error = $state.raw<unknown>();

  get list(): readonly Protocol[] | undefined {
    return this.#list;
  }

  get error(): unknown {
    return this.#error;
  }

  find(name: string): Protocol | undefined {
    return this.#list?.find(({ id, slug }) => id === name || slug === name);
  }

  async load(): Promise<void> {
    try {
      this.#list = await request(() => api.GET('/device/v1/protocols'));
      this.#error = undefined;
    } catch (error) {
      this.#error = error;
    }
  }

  /** Listens until the returned function is called. */
  follow(): () => void {
    const again = () => void this.#reload();
    const disposers = [
      live.on('installation_progress', (told) => this.#take(told)),
      live.on('protocol_changed', again),
      live.on('health', ({ part }) => part.startsWith('addon:') && again()),
      live.on('installation_succeded', again),
      live.on('installation_failed', again),
      live.onConnected(again),
    ];
    const timer = setInterval(() => {
      if (!document.hidden && this.#list?.some(({ status }) => UNDER_WAY.has(status))) again();
    }, AGAIN_MS);
    return () => {
      clearInterval(timer);
      for (const dispose of disposers) dispose();
    };
  }

  #take({ protocol, status, reason, progress }: LiveEvents['installation_progress']): void {
    this.#list = this.#list?.map((each) => {
      if (each.slug !== protocol) return each;
      const { progress: _, reason: __, ...rest } = each;
      return {
        ...rest,
        status: status as Protocol['status'],
        ...(reason === undefined ? {} : { reason }),
        ...(progress ? { progress } : {}),
      };
    });
    if (!UNDER_WAY.has(status)) void this.#reload();
  }

  async #reload(): Promise<void> {
    try {
      this.#list = await quietly(() => api.GET('/device/v1/protocols'));
    } catch {
      // the connection says so itself
    }
  }
}
