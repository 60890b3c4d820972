/**
 * Updates of gate itself. Who asks (the cloud) is told when the release is handed over; the rest is the updater's, a
 * program of its own that also goes back. How it ended is found in its files, by whichever release then runs, and told
 * once as `updateEnded`.
 */
import type { Dispose } from '../lib/event-bus.ts';
import { GatewayError } from '../model/error.ts';
import type { GatewayEventBus } from './events.ts';
import type { ReleaseDesk, ReleaseOutcome } from './ports.ts';

/** How soon the end of an update is noticed. */
const LOOK_EVERY_MS = 5_000;

export interface SoftwareUpdatesParts {
  /** Undefined where gate was not installed from a release. */
  desk: ReleaseDesk | undefined;
  events: GatewayEventBus;
  onTrouble: (error: unknown) => void;
}

export class SoftwareUpdates {
  readonly #parts: SoftwareUpdatesParts;
  #last: ReleaseOutcome | undefined;
  #stopLooking: Dispose = () => {};
  #asking = false;

  constructor(parts: SoftwareUpdatesParts) {
    this.#parts = parts;
  }

  /** After everybody who listens to `updateEnded`. */
  start(): void {
    if (!this.#parts.desk) return;
    this.#look();
    const timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    timer.unref();
    this.#stopLooking = () => clearInterval(timer);
  }

  stop(): void {
    this.#stopLooking();
  }

  /** How the last update ended that was told since the start. */
  get last(): ReleaseOutcome | undefined {
    return this.#last;
  }

  /**
   * Fetches a release from an address that UPDATE_URLS allows, by its version or its URL, and hands it to the updater.
   * Resolves then: the gateway is soon stopped, and `updateEnded` tells the end.
   * @throws GatewayError unavailable (not installed so, not reachable), forbidden (address), conflict (one is under way),
   * notFound, tooLarge
   */
  async update(release: { version: string } | { url: string }): Promise<void> {
    const { desk } = this.#parts;
    if (!desk) {
      throw new GatewayError(
        'unavailable',
        'this gateway was not installed by install.sh: it cannot update itself',
      );
    }
    if (this.#asking) throw new GatewayError('conflict', 'an update is being fetched already');
    this.#asking = true;
    try {
      await desk.fetchAndAsk(release);
    } finally {
      this.#asking = false;
    }
  }

  #look(): void {
    const { desk, events, onTrouble } = this.#parts;
    try {
      const outcome = desk?.untold();
      if (!desk || !outcome) return;
      // noted first: told twice would be two notifications
      desk.markTold(outcome);
      this.#last = outcome;
      const { version, failure } = outcome;
      events.emit('updateEnded', { of: 'gate', version: version || 'another release', failure });
    } catch (error) {
      onTrouble(error);
    }
  }
}
