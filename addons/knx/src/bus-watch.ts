/**
 * Telegrams told live to whoever asked for it, until the time that was asked for is over. Gathered and told ten times a
 * second at most, so that a storm on the bus is none on the gateway; what is too much is counted.
 */
import { AddonError, type Clock, type EventMessage, type JsonObject, type JsonValue } from '@gate/addon-sdk';

/** Between two events. */
export const TELL_EVERY_MS = 100;
/** In one event: 500 telegrams a second, ten times what a KNX line carries. */
export const TELEGRAMS_PER_EVENT = 50;
/** Of one event's telegrams, as JSON in characters. */
const EVENT_CHARS_MAX = 16_000;
export const WATCH_DEFAULT_SECONDS = 300;
export const WATCH_MAX_SECONDS = 3_600;

export interface BusWatchParts {
  gate: { event: (event: EventMessage) => void };
  clock: Clock;
}

export class BusWatch {
  readonly #parts: BusWatchParts;
  /** By the clock that never jumps. */
  #untilMs = Number.NEGATIVE_INFINITY;
  #waiting: JsonObject[] = [];
  #waitingChars = 0;
  #leftOut = 0;
  #cancelTelling: (() => void) | undefined;

  constructor(parts: BusWatchParts) {
    this.#parts = parts;
  }

  /** From now on for `seconds`, 0 ends it; a longer watch that is under way is not cut short. `{until}` */
  ask({ seconds = WATCH_DEFAULT_SECONDS }: JsonObject): JsonValue {
    if (!Number.isInteger(seconds) || (seconds as number) < 0 || (seconds as number) > WATCH_MAX_SECONDS) {
      throw new AddonError('badRequest', `"seconds" must be a whole number from 0 to ${WATCH_MAX_SECONDS}`);
    }
    const { clock } = this.#parts;
    const untilMs = clock.uptime() + (seconds as number) * 1_000;
    this.#untilMs = seconds === 0 ? untilMs : Math.max(this.#untilMs, untilMs);
    return { until: Math.round(clock.now() + this.#untilMs - clock.uptime()) };
  }

  /** `view` is called only while somebody watches. */
  heard(view: () => JsonObject): void {
    if (this.#parts.clock.uptime() >= this.#untilMs) return;
    this.#cancelTelling ??= this.#parts.clock.after(TELL_EVERY_MS, () => this.#tell());
    if (this.#waiting.length >= TELEGRAMS_PER_EVENT || this.#waitingChars >= EVENT_CHARS_MAX) {
      this.#leftOut += 1;
      return;
    }
    const telegram = view();
    this.#waiting.push(telegram);
    this.#waitingChars += JSON.stringify(telegram).length;
  }

  stop(): void {
    this.#cancelTelling?.();
    this.#cancelTelling = undefined;
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  #tell(): void {
    const event = { type: 'busTelegrams', telegrams: this.#waiting, leftOut: this.#leftOut };
    this.#cancelTelling = undefined;
    [this.#waiting, this.#waitingChars, this.#leftOut] = [[], 0, 0];
    this.#parts.gate.event(event);
  }
}
