/** Calls under an `Idempotency-Key`, over a restart. Bounded by who keeps them. May be lost in a power cut. */
import type { RepeatStore } from '../../core/ports.ts';
import type { RepeatRecord } from '../../model/repeat.ts';
import { type Collection, Rebuildable, type RebuildableParts } from './rebuildable.ts';

type Entry = Omit<RepeatRecord, 'key'> & { _id: string };

export class RepeatFile implements RepeatStore {
  readonly #file: Rebuildable<Entry>;
  #collection: Collection<Entry> | undefined;

  constructor(parts: RebuildableParts) {
    this.#file = new Rebuildable(parts);
  }

  async start(): Promise<void> {
    this.#collection = await this.#file.start();
  }

  async stop(): Promise<void> {
    this.#file.stop();
  }

  async all(): Promise<RepeatRecord[]> {
    const entries = (await this.#collection?.find({})) ?? [];
    return entries.map(({ _id: key, fingerprint, beganAt, outcome }) => ({
      key,
      fingerprint,
      beganAt,
      outcome,
    }));
  }

  async save({ key, ...rest }: RepeatRecord): Promise<void> {
    await this.#collection?.update({ _id: key }, { _id: key, ...rest }, { upsert: true });
  }

  async remove(key: string): Promise<void> {
    await this.#collection?.remove({ _id: key }, {});
  }
}
