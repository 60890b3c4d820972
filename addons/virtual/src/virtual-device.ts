/**
 * One virtual device: a value from 0 to 100 that drifts, told every `frequency` seconds while `demoActive`.
 *
 * The first reading after an activation goes out at once; the next ones on the device's own beat, whose phase is drawn
 * by chance, so that many devices activated together do not stay in step. The beat stays as it is until the device's
 * own frequency changes or it is switched off.
 */
import type { Clock, JsonObject } from '@gate/addon-sdk';

export const VALUE_MAX = 100;
/** The first wait is shorter by up to this part of it. */
const PHASE_SPREAD = 0.1;
/** Largest change from one generated value to the next. */
const STEP_MAX = 3;

/** A reading of a virtual device. */
export interface VirtualReading extends JsonObject {
  value: number;
  isVirtualData: true;
}

export interface VirtualDeviceParts {
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  report: (reading: VirtualReading) => void;
}

export class VirtualDevice {
  readonly #parts: VirtualDeviceParts;
  #value: number;
  #frequencySeconds = 0;
  #cancelNext: (() => void) | undefined;

  constructor(parts: VirtualDeviceParts) {
    this.#parts = parts;
    this.#value = Math.floor(parts.random() * (VALUE_MAX + 1));
  }

  /** The last value. */
  get reading(): VirtualReading {
    return { value: this.#value, isVirtualData: true };
  }

  /** Generates a reading now and then every `frequencySeconds`; nothing changes when it does so already. */
  activate(frequencySeconds: number): void {
    if (this.#cancelNext && this.#frequencySeconds === frequencySeconds) return;
    const wasActive = this.#cancelNext !== undefined;
    this.deactivate();
    this.#frequencySeconds = frequencySeconds;
    if (!wasActive) this.#parts.report(this.reading);
    this.#schedule(frequencySeconds * 1000 * (1 - PHASE_SPREAD * this.#parts.random()));
  }

  deactivate(): void {
    this.#cancelNext?.();
    this.#cancelNext = undefined;
  }

  /** Takes `value` as the next one and reports it. */
  set(value: number): void {
    this.#value = value;
    this.#parts.report(this.reading);
  }

  #schedule(afterMs: number): void {
    this.#cancelNext = this.#parts.clock.after(afterMs, () => {
      this.#drift();
      this.#schedule(this.#frequencySeconds * 1000);
      this.#parts.report(this.reading);
    });
  }

  /** A step to either side, turned back at the ends. */
  #drift(): void {
    const step = Math.round((this.#parts.random() * 2 - 1) * STEP_MAX);
    const inside = Math.min(VALUE_MAX, Math.max(0, this.#value));
    const next = Math.round(inside) + step;
    this.#value = next < 0 ? -next : next > VALUE_MAX ? 2 * VALUE_MAX - next : next;
  }
}
