/**
 * Hears what the engine tells of our containers, and whether it is there at all. After each gap it says so: what
 * happened meanwhile was told to nobody.
 */

import * as v from 'valibot';
import { backoffMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/deadline.ts';
import type { Engine } from './engine.ts';
import { linesOf } from './stream-lines.ts';

const eventSchema = v.object({ Action: v.string(), id: v.string() });
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
    if (output.Action === 'die') this.#parts.onDied(output.id);
    else if (output.Action === 'health_status: unhealthy') this.#parts.onUnhealthy(output.id);
  }
}
