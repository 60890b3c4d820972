/** What whoever is at the page may see, as the gateway says: nothing without a log-in, or its devices. */
import { api } from '../api/client.ts';
import { session } from './session.svelte.ts';

const AGAIN_MS = 2_000;

export type Access = 'unknown' | 'none' | 'read';

class AccessFinder {
  #known = $state<Access>('unknown');

  constructor() {
    session.onChange(() => void this.find());
  }

  get known(): Access {
    return this.#known;
  }

  /** Asks until there is an answer. */
  async find(): Promise<void> {
    try {
      const { data, error } = await api.GET('/health/ready');
      // each part is told to those only who may read; 503 has the same form
      const told = data ?? error;
      this.#known = told && 'parts' in told && told.parts ? 'read' : 'none';
    } catch {
      setTimeout(() => void this.find(), AGAIN_MS);
    }
  }
}

export const access = new AccessFinder();
