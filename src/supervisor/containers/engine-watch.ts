/**
 * Hears what the engine tells of our containers, and whether it is there at all. After each gap it says so: what
 * happened meanwhile was told to nobody.
 */

import * as v from 'valibot';
import { backoffMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/deadline.ts';
import type { Engine } from './engine.ts';
import { linesOf } from './stream-lines.ts';

const eventSchema = v.object({
  Action: v.string(),
  id: v.string(),
  Actor: v.optional(v.object({ Attributes: v.optional(v.record(v.string(), v.string()), {}) }), {}),
});
/** That a container ended, in Docker's word and in Podman's. */
const DIED = ['die', 'died'];
const RECONNECT = { minMs: 500, maxMs: 10_000 };

export interface EngineWatchParts {
  engine: Engine;
  labels: Record<string, string>;
  onDied: (container: string) => void;
  onUnhealthy: (container: string) => void;
  /** It is heard (again). */
  onThere: () => void;
  onGone: (error: unknown) => void;
}

export class EngineWatch {
  readonly #parts: EngineWatchParts;
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: EngineWatchParts) {
    this.#parts = parts;
  }

  /** Begins to listen; called again, nothing more happens. */
  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const stream = await this.#parts.engine.events(this.#parts.labels, signal);
        attempt = 0;
        this.#parts.onThere();
        for await (const line of linesOf(stream)) this.#take(line);
        if (!signal.aborted) this.#parts.onGone(new Error('its stream of events ended'));
      } catch (error) {
        if (!signal.aborted) this.#parts.onGone(error);
      }
      await pause(backoffMs(attempt, RECONNECT), signal);
    }
  }

  #take(line: string): void {
    let input: unknown;
    try {
      input = JSON.parse(line);
    } catch {
      return;
    }
    const { success, output } = v.safeParse(eventSchema, input);
    if (!success) return;
    const { Action: action, id, Actor } = output;
    if (DIED.includes(action)) this.#parts.onDied(id);
    // Podman has the status beside it
    else if (action.startsWith('health_status')) {
      const status = `${action} ${Actor.Attributes?.['health_status'] ?? ''}`;
      if (/\bunhealthy\b/.test(status)) this.#parts.onUnhealthy(id);
    }
  }
}
