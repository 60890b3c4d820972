/**
 * What the relay notes on its way to disk: a commit of readings takes it along; where none comes within
 * `SAVED_WITHIN_MS` it gets one of its own. Most gateways store something more often than that, and the notes of the
 * relay then cost them no fsync.
 */
import type { SeqRange } from '../../model/relay.ts';
import type { Writer } from '../writer.ts';

const SAVED_WITHIN_MS = 60_000;

export class RelayNotes {
  readonly #writer: Pick<Writer, 'call'>;
  #timer: NodeJS.Timeout | undefined;
  /** What was noted last; undefined where nothing was since the start. */
  latest: readonly SeqRange[] | undefined;

  constructor(writer: Pick<Writer, 'call'>) {
    this.#writer = writer;
  }

  /** A disk that takes nothing just now gets it with a later commit. */
  note(pending: readonly SeqRange[]): void {
    this.latest = pending;
    void this.#writer.call('noteRelayed', pending).catch(() => undefined);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, SAVED_WITHIN_MS);
  }

  /** Writes what was noted. */
  async stop(): Promise<void> {
    const isWaiting = this.#timer !== undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (isWaiting) await this.#save();
  }

  async #save(): Promise<void> {
    await this.#writer.call('saveRelayed', null).catch(() => undefined);
  }
}
