/**
 * Whether the box's clock can be right. A box without a battery for it begins anywhere, often in 1970, until the network
 * has told it the time: until then that is a line in health. Once believed it is believed for good.
 */
import type { Dispose } from '../lib/event-bus.ts';
import type { GatewayEventBus } from './events.ts';
import type { Health } from './health.ts';

/** Its line in `/health/ready`, while the clock cannot be right. */
export const CLOCK_PART = 'clock';
/** No gate was built before. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const LOOK_EVERY_MS = 1_000;

/** `builtAt`: when this gate was made; a clock that is behind that is wrong. Milliseconds since 1970. */
export function isBelievable(now: number, builtAt: number): boolean {
  return now >= Math.max(EARLIEST_MS, builtAt);
}

export interface BelievableClockParts {
  health: Health;
  events: GatewayEventBus;
  builtAt: number;
  now: () => number;
  lookEveryMs?: number;
}

export class BelievableClock {
  readonly #parts: BelievableClockParts;
  #timer: NodeJS.Timeout | undefined;
  #dispose: Dispose | undefined;

  constructor(parts: BelievableClockParts) {
    this.#parts = parts;
  }

  start(): void {
    const { health, events, builtAt, now, lookEveryMs = LOOK_EVERY_MS } = this.#parts;
    if (isBelievable(now(), builtAt)) return;
    const says = new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const reason = `the clock of this box has no time yet: it said ${says} at the start. What is measured until it has carries its time`;
    health.report(CLOCK_PART, 'degraded', reason);
    this.#timer = setInterval(() => {
      if (isBelievable(now(), builtAt)) this.#believe();
    }, lookEveryMs);
    this.#timer.unref();
    // certificates on both sides were looked at, and their dates were well
    this.#dispose = events.on('cloudLinkChanged', ({ connected }) => {
      if (connected) this.#believe();
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#dispose?.();
  }

  #believe(): void {
    this.stop();
    this.#parts.health.report(CLOCK_PART, 'running');
  }
}
