/**
 * Is the server still there? The standard asks for a heartbeat every 60 s (03_08_02 Core, 5.4). A server that was not
 * heard for 4 s is asked too: on a quiet bus nothing else would show that a tunnel is dead.
 */
import type { Clock } from '@gate/addon-sdk';

export const HEARTBEAT_MS = 60_000;
export const QUIET_MS = 4_000;

export interface HeartbeatParts {
  clock: Clock;
  /** Asks the server, and ends the link where it does not answer as it should. */
  ask: () => Promise<void>;
}

export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #heardMs: number;
  #beatMs: number;
  #stopped = false;
  #cancel: () => void = () => undefined;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#heardMs = parts.clock.uptime();
    this.#beatMs = this.#heardMs;
    this.#watch();
  }

  /** Any frame shows that the server lives. */
  heard(): void {
    this.#heardMs = this.#parts.clock.uptime();
  }

  /** Asks now, whenever it was asked last. */
  async beat(): Promise<void> {
    const { clock, ask } = this.#parts;
    this.#beatMs = clock.uptime();
    await ask();
    this.#heardMs = clock.uptime();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #watch(): void {
    if (this.#stopped) return;
    const { clock } = this.#parts;
    const dueMs = () => Math.min(this.#heardMs + QUIET_MS, this.#beatMs + HEARTBEAT_MS);
    this.#cancel = clock.after(Math.max(0, dueMs() - clock.uptime()), () => {
      if (dueMs() <= clock.uptime()) void this.beat().then(() => this.#watch());
      else this.#watch();
    });
  }
}
