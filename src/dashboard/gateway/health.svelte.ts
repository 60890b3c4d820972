/** How the gateway and its parts are: asked for now and then, and at once when something tells that it may have changed. */
import { api } from '../api/client.ts';
import type { Health } from '../api/answers.ts';
import { live } from '../live/live.svelte.ts';
import { session } from '../session/session.svelte.ts';

const EVERY_MS = 10_000;
const SOON_MS = 500;

export type Part = NonNullable<Health['parts']>[string];

class GatewayHealth {
  #health = $state.raw<Health | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const soon = () => this.#askIn(SOON_MS);
    for (const event of ['connected', 'disconnected', 'notification', 'installation_progress'] as const)
      live.on(event, soon);
    live.onReturn(soon);
    session.onChange(soon);
    this.#askIn(0);
  }

  /** Undefined until the gateway has answered. */
  get now(): Health | undefined {
    return this.#health;
  }

  #askIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
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
