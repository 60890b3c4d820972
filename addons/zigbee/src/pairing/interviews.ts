/**
 * Interviews as the library runs them. One with a silent device goes on in the library long after the pairing it was for
 * has failed, up to some minutes, and cannot be stopped; the library refuses a second one meanwhile. A device that is
 * asked for again is therefore heard to the end, and asked anew if that end is a failure. Of several that run for a device
 * that left and joined again, only the last one's failure counts.
 */
import type { AddonLog } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';

/**
 * How long a request sent into silence keeps the library from the next one, at most: two waits of 10 s with its recovery
 * between them, and 10 s before a model is asked for again.
 */
export const SILENCE_ENDS_MS = 45_000;

export interface InterviewsParts {
  log: AddonLog;
  /** A pairing waits for this device. */
  isWanted: (device: Models.Device) => boolean;
  /** What the device is is known now, or will not be. */
  onEnd: (device: Models.Device, successful: boolean) => void;
}

interface Running {
  count: number;
  /** One has succeeded while others ran. */
  known: boolean;
  /** Asked for while one ran. */
  again: boolean;
}

export class Interviews {
  readonly #parts: InterviewsParts;
  /** By the library's object: a coordinator that starts anew has new ones. */
  readonly #running = new WeakMap<Models.Device, Running>();

  constructor(parts: InterviewsParts) {
    this.#parts = parts;
  }

  isRunning(device: Models.Device): boolean {
    return this.#running.has(device);
  }

  /** The library has begun one by itself: the device joined. */
  begun(device: Models.Device): void {
    const running = this.#running.get(device);
    if (running) {
      running.count += 1;
      running.known = false;
    } else this.#running.set(device, { count: 1, known: false, again: false });
  }

  /** Asks a device what it is, as soon as the library can. */
  ask(device: Models.Device): void {
    const running = this.#running.get(device);
    if (running) {
      running.again = true;
      return;
    }
    this.begun(device);
    void device.interview().then(
      () => this.ended(device, true),
      () => this.ended(device, false),
    );
  }

  /** One has ended. */
  ended(device: Models.Device, successful: boolean): void {
    const { isWanted, onEnd, log } = this.#parts;
    const running = this.#running.get(device);
    if (!running) {
      onEnd(device, successful);
      return;
    }
    running.count -= 1;
    if (running.count === 0) this.#running.delete(device);
    if (successful) {
      running.known = true;
      onEnd(device, true);
    } else if (running.known) {
      // the library takes the last word for the device's state, though another one has answered
      if (running.count === 0) {
        device.interview().catch((error: Error) => log.info(`interviewed once more: ${error.message}`));
      }
    } else if (running.count === 0) {
      if (running.again && isWanted(device)) this.ask(device);
      else onEnd(device, false);
    }
  }
}
