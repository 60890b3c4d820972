/** How the gateway and its parts are: asked for when one has changed, and now and then for what is counted of them. */

import type { Health } from '../api/answers.ts';
import { api } from '../api/client.ts';
import { live } from '../live/live.svelte.ts';
import { session } from '../session/session.svelte.ts';

/** What waits for the cloud, how often an add-on was started again: no event tells what is counted. */
const EVERY_MS = 10_000;
const SOON_MS = 500;

export type Part = NonNullable<Health['parts']>[string];

class GatewayHealth {
  #health = $state.raw<Health | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it is asked for next, in milliseconds since 1970. */
  #dueAt = 0;

  constructor() {
    const soon = () => this.#askIn(SOON_MS);
    live.on('health', soon);
    // one that was removed has no part any more
    live.on('protocol_changed', soon);
    live.onConnected(soon);
    session.onChange(soon);
    this.#askIn(0);
  }

  /** Undefined until the gateway has answered. */
  get now(): Health | undefined {
    return this.#health;
  }

  /** At the latest: however often something changes, it does not wait for quiet. */
  #askIn(ms: number): void {
    const at = Date.now() + ms;
    if (this.#timer !== undefined && this.#dueAt <= at) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    if (!document.hidden) {
      try {
        // 503 says the same of a gateway that cannot work just now
        const { data, error } = await api.GET('/health/ready');
        const told = data ?? error;
        if (told && 'status' in told) this.#health = told as Health;
      } catch {
        // the connection says so itself
      }
    }
    this.#askIn(EVERY_MS);
  }
}

export const health = new GatewayHealth();
