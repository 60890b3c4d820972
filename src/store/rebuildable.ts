/**
 * Collections that may be lost and are then made anew, in NeDB. A file that does not open is set aside, never a reason
 * not to start; a torn last line is dropped, whatever share of the file it is.
 */
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import Datastore from 'nedb-promises';

/** The wrapper's types leave out what it passes on to the wrapped store. */
export type Collection<T> = Datastore<T> & { compactDatafileAsync(): Promise<void> };

export interface RebuildableParts {
  path: string;
  /** Told in words what went wrong with the file; nothing stops for it. */
  onTrouble: (message: string) => void;
}

/** Changes are appended; they are folded together so often. */
const COMPACTION_MS = 3_600_000;

export class Rebuildable<T extends { _id: string }> {
  readonly #parts: RebuildableParts;
  #collection: Collection<T> | undefined;
  #compaction: NodeJS.Timeout | undefined;

  constructor(parts: RebuildableParts) {
    this.#parts = parts;
  }

  async start(): Promise<Collection<T>> {
    const { path, onTrouble } = this.#parts;
    try {
      this.#collection = await this.#open();
    } catch (error) {
      const aside = `${path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
      renameSync(path, aside);
      onTrouble(`${path} could not be read (${error}); it was set aside as ${aside} and begun anew`);
      this.#collection = await this.#open();
    }
    const collection = this.#collection;
    this.#compaction = setInterval(() => this.watch(collection.compactDatafileAsync()), COMPACTION_MS);
    return collection;
  }

  stop(): void {
    clearInterval(this.#compaction);
  }

  /** A write that nobody waits for: its failure is told, and that is all. */
  watch(write: Promise<unknown>): void {
    write.catch((error: unknown) =>
      this.#parts.onTrouble(`${this.#parts.path} could not be written: ${error}`),
    );
  }

  async #open(): Promise<Collection<T>> {
    // an error of reading would not come back through `load`: it is looked for before
    if (existsSync(this.#parts.path)) closeSync(openSync(this.#parts.path, 'r+'));
    const collection = Datastore.create({ filename: this.#parts.path, corruptAlertThreshold: 1 });
    await collection.load();
    return collection as unknown as Collection<T>;
  }
}
