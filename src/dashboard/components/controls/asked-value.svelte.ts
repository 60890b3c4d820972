/** What a control asks of a device: shown until the device says itself what it is, or has refused it. */
import type { JsonObject } from '../../api/json.ts';
import { Command } from './command.svelte.ts';

/** What the device says of itself comes with its next reading. */
const SHOWN_MS = 1_500;

export class AskedValue<Value> {
  readonly #command: Command;
  #value = $state.raw<Value | undefined>();

  constructor(deviceId: string) {
    this.#command = new Command(deviceId);
  }

  /** Undefined where what the device says holds. */
  get value(): Value | undefined {
    return this.#value;
  }

  /** Shown, and not sent: a hand is still at it. */
  set value(value: Value) {
    this.#value = value;
  }

  get busy(): boolean {
    return this.#command.busy;
  }

  /** Why the last command failed. */
  get error(): unknown {
    return this.#command.error;
  }

  /** @returns why it failed; undefined when the device has done it */
  async send(value: Value, told: JsonObject): Promise<unknown> {
    this.#value = value;
    await this.#command.set(told);
    const forget = () => {
      if (this.#value === value) this.#value = undefined;
    };
    if (this.error === undefined) setTimeout(forget, SHOWN_MS);
    else forget();
    return this.error;
  }
}
