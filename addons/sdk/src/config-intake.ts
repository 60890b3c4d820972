/**
 * Configurations from gate, handled one at a time: of those that came meanwhile only the newest counts, and one that
 * says nothing new is left out. One that could not be applied is handled again when it comes again.
 */
import { type ConfigMessage, configMessage } from '../../../src/contract/messages.ts';
import { parseWith } from '../../../src/model/parse.ts';

export interface ConfigIntakeParts {
  /** Applies a config; whatever it throws goes to `onHandled`. */
  apply: (config: ConfigMessage) => void | Promise<void>;
  /** A config has been handled: well, or `failure` says why not. */
  onHandled: (failure?: unknown) => void;
  /** The add-on is ending: nothing is applied any more. */
  stopping: () => boolean;
}

export class ConfigIntake {
  readonly #parts: ConfigIntakeParts;
  #handled: string | undefined;
  #next: string | undefined;
  #busy = false;

  constructor(parts: ConfigIntakeParts) {
    this.#parts = parts;
  }

  /** A config as it came from the broker. Never throws. */
  deliver(text: string): void {
    this.#next = text;
    void this.#handle();
  }

  async #handle(): Promise<void> {
    const { apply, onHandled, stopping } = this.#parts;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next !== undefined && !stopping()) {
      const text = this.#next;
      this.#next = undefined;
      if (text === '' || text === this.#handled) continue;
      try {
        await apply(parseWith(configMessage, JSON.parse(text), 'config'));
        this.#handled = text;
        onHandled();
      } catch (error) {
        this.#handled = undefined;
        onHandled(error ?? new Error('no reason given'));
      }
    }
    this.#busy = false;
  }
}
