/** The types of the devices that are shown: each is asked for once, when something needs it. */
import { SvelteMap } from 'svelte/reactivity';
import type { DeviceType } from '../api/answers.ts';
import { api, quietly } from '../api/client.ts';

class Types {
  readonly #known = new SvelteMap<string, DeviceType>();
  readonly #asked = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  /** Undefined until it is there, and where there is none. */
  of(typeId: string | undefined): DeviceType | undefined {
    return typeId === undefined ? undefined : this.#known.get(typeId);
  }

  /** One after the other: an overview of many kinds of devices must not be a storm of calls. */
  want(typeId: string | undefined): void {
    if (typeId === undefined || this.#asked.has(typeId)) return;
    this.#asked.add(typeId);
    this.#turn = this.#turn.then(async () => {
      try {
        const params = { path: { typeId } };
        this.#known.set(typeId, await quietly(() => api.GET('/device/v1/types/{typeId}', { params })));
      } catch {
        // asked again by who needs it next
        this.#asked.delete(typeId);
      }
    });
  }
}

export const types = new Types();
