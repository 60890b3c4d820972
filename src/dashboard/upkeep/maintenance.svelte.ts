/** How backup, restore and update stand: asked for, then told; found again by whoever left and comes back. */

import type { Maintenance } from '../api/answers.ts';
import { api, quietly, request } from '../api/client.ts';
import { live } from '../live/live.svelte.ts';

/** Where the events do not come, and while the updater works, which tells none. */
const AGAIN_MS = 2_000;

export class MaintenanceState {
  #now = $state.raw<Maintenance | undefined>();
  #error = $state.raw<unknown>();

  get now(): Maintenance | undefined {
    return this.#now;
  }

  get error(): unknown {
    return this.#error;
  }

  async load(): Promise<void> {
    try {
      this.#now = await request(() => api.GET('/maintenance/v1'));
      this.#error = undefined;
    } catch (error) {
      this.#error = error;
    }
  }

  /** Listens until the returned function is called. */
  follow(): () => void {
    const disposers = [
      live.on('maintenance', ({ of, ...view }) => {
        if (this.#now) this.#now = { ...this.#now, [of]: view };
      }),
      live.onConnected(() => void this.#reload()),
    ];
    const timer = setInterval(() => {
      if (!document.hidden && this.#isUnderWay()) void this.#reload();
    }, AGAIN_MS);
    return () => {
      clearInterval(timer);
      for (const dispose of disposers) dispose();
    };
  }

  #isUnderWay(): boolean {
    if (!this.#now) return false;
    const { backup, restore, update } = this.#now;
    return (
      backup.state === 'running' ||
      restore.state === 'checking' ||
      restore.state === 'applying' ||
      update.state === 'fetching' ||
      update.state === 'underWay'
    );
  }

  async #reload(): Promise<void> {
    try {
      this.#now = await quietly(() => api.GET('/maintenance/v1'));
    } catch {
      // the connection says so itself; while the gateway restarts it is so
    }
  }
}
