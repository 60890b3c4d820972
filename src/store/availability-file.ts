/**
 * Last known availability of devices, in NeDB: may be lost, is told again by the add-ons. A file that does not open
 * is set aside and begun anew, never a reason not to start.
 */
import { renameSync } from 'node:fs';
import Datastore from 'nedb-promises';
import type { AvailabilityStore } from '../core/ports.ts';
import type { Availability } from '../model/device.ts';

interface Entry extends Availability {
  _id: string;
}

/** What the wrapped datastore can do and the wrapper's types leave out. */
type CompactingDatastore = Datastore<Entry> & {
  compactDatafileAsync(): Promise<void>;
};

/** Appended changes are folded together so often. */
const COMPACTION_MS = 3_600_000;

export class AvailabilityFile implements AvailabilityStore {
  readonly #path: string;
  readonly #onTrouble: (message: string) => void;
  readonly #known = new Map<string, Availability>();
  #store: CompactingDatastore | undefined;
  #compaction: NodeJS.Timeout | undefined;

  constructor(parts: { path: string; onTrouble: (message: string) => void }) {
    this.#path = parts.path;
    this.#onTrouble = parts.onTrouble;
  }

  async start(): Promise<void> {
    try {
      this.#store = await this.#open();
    } catch (error) {
      const aside = `${this.#path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
      renameSync(this.#path, aside);
      this.#onTrouble(
        `${this.#path} could not be read (${error}); it was set aside as ${aside} and begun anew`,
      );
      this.#store = await this.#open();
    }
    for (const { _id, online, reason, since } of await this.#store.find({})) {
      this.#known.set(_id, { online, ...(reason === undefined ? {} : { reason }), since });
    }
    this.#compaction = setInterval(() => this.#write(this.#store?.compactDatafileAsync()), COMPACTION_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#compaction);
    this.#store = undefined;
  }

  all(): ReadonlyMap<string, Availability> {
    return this.#known;
  }

  save(deviceId: string, availability: Availability): void {
    this.#known.set(deviceId, availability);
    const entry = { _id: deviceId, ...availability };
    this.#write(this.#store?.update({ _id: deviceId }, entry, { upsert: true }));
  }

  remove(deviceId: string): void {
    this.#known.delete(deviceId);
    this.#write(this.#store?.remove({ _id: deviceId }, {}));
  }

  #write(change: Promise<unknown> | undefined): void {
    change?.catch((error: unknown) => this.#onTrouble(`${this.#path} could not be written: ${error}`));
  }

  async #open(): Promise<CompactingDatastore> {
    // a torn last line is dropped, whatever share of the file it is
    const store = Datastore.create({ filename: this.#path, corruptAlertThreshold: 1 });
    await store.load();
    return store as unknown as CompactingDatastore;
  }
}
