/**
 * Updates of gate itself. Who asks (the cloud, a caller of the API) is told when the release is handed over; the rest is
 * the updater's, a program of its own that also goes back. How it ended is found in its files, by whichever release then
 * runs, and told once as `updateEnded`.
 */
import type { Dispose } from '../../lib/event-bus.ts';
import { GatewayError, type Reason, reasonOf } from '../../model/error.ts';
import type { GatewayEventBus } from '../events.ts';
import type { ReleaseDesk, ReleaseOutcome } from '../ports.ts';
import type { Piece, ReceivedFiles, WorkProgress } from './maintenance-ports.ts';
import type { UpdateView } from './maintenance-views.ts';

/** How soon the end of an update is noticed. */
const LOOK_EVERY_MS = 5_000;
/** How often it is told how much of a release has come. */
const TELL_EVERY_MS = 250;
/** What a release is sent as. */
export const RELEASE_PARTS = { archive: '', checksum: '.sha256', signature: '.sig' } as const;
export type ReleasePart = keyof typeof RELEASE_PARTS;
const ARCHIVE = 'release.tar.gz';
const RELEASE_FILES = [ARCHIVE, `${ARCHIVE}.sha256`, `${ARCHIVE}.sig`] as const;

export interface SoftwareUpdatesParts {
  /** Undefined where gate was not installed from a release. */
  desk: ReleaseDesk | undefined;
  received: ReceivedFiles;
  events: GatewayEventBus;
  onTrouble: (error: unknown) => void;
}

export class SoftwareUpdates {
  readonly #parts: SoftwareUpdatesParts;
  #last: ReleaseOutcome | undefined;
  #stopLooking: Dispose = () => {};
  #asking = false;
  #fetching: WorkProgress | undefined;
  #failure: Reason | undefined;

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

  /** Whether gate was installed so that it can update itself. */
  get possible(): boolean {
    return this.#parts.desk !== undefined;
  }

  /** How the last update ended that was told since the start. */
  get last(): ReleaseOutcome | undefined {
    return this.#last;
  }

  view(): UpdateView {
    const { desk } = this.#parts;
    const outcome = desk?.outcome();
    const last = outcome ? { last: shown(outcome) } : {};
    if (this.#fetching) return { state: 'fetching', ...this.#fetching, ...last };
    const state = desk?.state();
    if (state === 'waiting') return { state: 'underWay', phase: 'waiting', ...last };
    if (state) {
      const { phase, wanted, to = wanted, failure } = state;
      const reason = failure === undefined ? {} : { reason: { code: 'goesBack', message: failure } };
      return { state: 'underWay', phase, ...(to === undefined ? {} : { to }), ...reason, ...last };
    }
    return this.#failure ? { state: 'failed', reason: this.#failure, ...last } : { state: 'idle', ...last };
  }

  /**
   * Fetches a release from an address that UPDATE_URLS allows, by its version or its URL, and hands it to the updater.
   * Resolves then: the gateway is soon stopped, and `updateEnded` tells the end.
   * @throws GatewayError unavailable (not installed so, not reachable), forbidden (address), conflict (one is under way),
   * notFound, tooLarge
   */
  async update(release: { version: string } | { url: string }): Promise<void> {
    const desk = this.#desk();
    await this.#ask((onProgress) => desk.fetchAndAsk(release, onProgress));
  }

  /** Begins the same and does not wait for it; `view` and `maintenanceChanged` tell how it goes. @throws GatewayError unavailable, conflict */
  begin(release: { version: string } | { url: string }): UpdateView {
    this.#demandFree();
    void this.update(release).catch(() => undefined);
    return this.view();
  }

  /** A part of a release, in pieces. @throws as `ReceivedFiles.append`; GatewayError unavailable */
  receive(part: ReleasePart, piece: Piece): Promise<number> {
    this.#desk();
    return this.#parts.received.append(`${ARCHIVE}${RELEASE_PARTS[part]}`, piece);
  }

  /** Hands over what was sent. @throws GatewayError unavailable, conflict (a part is missing, one is under way) */
  async useReceived(): Promise<UpdateView> {
    const desk = this.#demandFree();
    const { received } = this.#parts;
    for (const name of RELEASE_FILES) {
      if ((await received.size(name)) > 0) continue;
      throw new GatewayError('conflict', `${name} was not sent`, {
        hint: 'a release is its .tar.gz, with its .sha256 and its .sig',
      });
    }
    this.#failure = undefined;
    await desk.ask(received.path(ARCHIVE));
    this.#tell();
    return this.view();
  }

  async #ask(work: (onProgress: (bytes: number, total: number | undefined) => void) => Promise<void>) {
    if (this.#asking) throw new GatewayError('conflict', 'an update is being fetched already');
    this.#asking = true;
    this.#failure = undefined;
    this.#fetching = { phase: 'fetching' };
    let toldAt = performance.now();
    const onProgress = (bytes: number, total: number | undefined) => {
      this.#fetching = { phase: 'fetching', bytes, ...(total === undefined ? {} : { totalBytes: total }) };
      if (performance.now() - toldAt < TELL_EVERY_MS) return;
      toldAt = performance.now();
      this.#tell();
    };
    this.#tell();
    try {
      await work(onProgress);
    } catch (error) {
      this.#failure = reasonOf(error);
      throw error;
    } finally {
      this.#asking = false;
      this.#fetching = undefined;
      this.#tell();
    }
  }

  /** @throws GatewayError unavailable */
  #desk(): ReleaseDesk {
    const { desk } = this.#parts;
    if (desk) return desk;
    throw new GatewayError(
      'unavailable',
      'this gateway was not installed by install.sh: it cannot update itself',
      { hint: 'put a newer version in its place by hand: docs/guides/updating.md' },
    );
  }

  /** @throws GatewayError unavailable, conflict */
  #demandFree(): ReleaseDesk {
    const desk = this.#desk();
    if (this.#asking) throw new GatewayError('conflict', 'an update is being fetched already');
    if (desk.state() === undefined) return desk;
    throw new GatewayError('conflict', 'an update is under way', { hint: 'wait for its end' });
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
      this.#tell();
    } catch (error) {
      onTrouble(error);
    }
  }

  #tell(): void {
    this.#parts.events.emit('maintenanceChanged', { of: 'update', ...this.view() });
  }
}

function shown({ from, version, failure, ts }: ReleaseOutcome) {
  return { from, version, ts, ...(failure === undefined ? {} : { failure }) };
}
