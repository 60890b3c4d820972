/** Once a minute, in steps between which commits go first: what is too old or too much is deleted, what has come is packed. */
import { pause } from '../lib/deadline.ts';
import { HOUR_MS } from './hours.ts';
import type { Writer } from './writer.ts';

const EVERY_MS = 60_000;
/** After the first round, which comes before it is known whether the clock can be believed: so it deletes nothing for its age. */
const AGAIN_MS = 500;
/** Between two steps of deletion or packing. */
const PAUSE_MS = 20;
/** So seldom are loosened packs made anew: a device that is always late must not have them written again and again. */
const MEND_EVERY_ROUNDS = 60;
const DAY_MS = 86_400_000;

/** `notRelayed`: how many of these the cloud had not got. */
export interface DroppedFact {
  count: number;
  reason: 'age' | 'size';
  notRelayed: number;
}

export interface UpkeepParts {
  writer: Pick<Writer, 'call'>;
  retentionDays: number;
  retentionBytes: number;
  /** The time by which readings are too old; 0 while that is not known for sure. */
  now: () => number;
  onDropped: (dropped: DroppedFact) => void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** Begins at once. */
  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#done = this.#rounds();
  }

  /** Resolves when the step that is under way has ended. */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  async #rounds(): Promise<void> {
    const { signal } = this.#stop;
    for (let round = 1; !signal.aborted; round += 1) {
      await this.#once(round % MEND_EVERY_ROUNDS === 0).catch(() => undefined); // a full or failing disk is reported by the commits, damage by the writer
      await pause(round === 1 ? AGAIN_MS : EVERY_MS, signal);
    }
  }

  async #once(mend: boolean): Promise<void> {
    const { signal } = this.#stop;
    await this.#retain();
    while (!signal.aborted && (await this.#parts.writer.call('pack', { mend })))
      await pause(PAUSE_MS, signal);
  }

  async #retain(): Promise<void> {
    const { writer, retentionDays, retentionBytes: maxBytes, now, onDropped } = this.#parts;
    const { signal } = this.#stop;
    const beforeMs = Math.floor((now() - retentionDays * DAY_MS) / HOUR_MS) * HOUR_MS;
    for (let more = true; more && !signal.aborted; ) {
      const step = await writer.call('retain', { beforeMs, maxBytes });
      const { deletedByAge, deletedBySize, notRelayed } = step;
      if (deletedByAge > 0) onDropped({ count: deletedByAge, reason: 'age', notRelayed });
      if (deletedBySize > 0) onDropped({ count: deletedBySize, reason: 'size', notRelayed });
      more = step.more;
      if (more) await pause(PAUSE_MS, signal);
    }
  }
}
