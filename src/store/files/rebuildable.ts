/**
 * Collections that may be lost and are then made anew, in NeDB. A file that does not open is set aside, never a reason
 * not to start; a torn last line is dropped, whatever share of the file it is. Where the disk takes nothing (it is full,
 * or read-only) the collection is kept in memory until the next start.
 */
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import Datastore from 'nedb-promises';
import { damagedName } from '../../lib/damaged-name.ts';

/** The wrapper's types leave out what it passes on to the wrapped store. */
export type Collection<T> = Datastore<T> & { compactDatafileAsync(): Promise<void> };

export interface RebuildableParts {
  path: string;
  /** Told in words what went wrong with the file; nothing stops for it. */
  onTrouble: (message: string) => void;
}

type Prepare<T> = (collection: Collection<T>) => Promise<void>;

/** The file itself is well, as far as one knows. */
const TROUBLES_OF_DISK = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'];

/** Changes are appended; they are folded together so often. */
const COMPACTION_MS = 3_600_000;

export class Rebuildable<T extends { _id: string }> {
  readonly #parts: RebuildableParts;
  #compaction: NodeJS.Timeout | undefined;

  constructor(parts: RebuildableParts) {
    this.#parts = parts;
  }

  /** @param prepare what it needs before it is used: an index */
  async start(prepare?: Prepare<T>): Promise<Collection<T>> {
    const collection = await this.#openedSomehow(prepare);
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

  async #openedSomehow(prepare: Prepare<T> = async () => undefined): Promise<Collection<T>> {
    const { path, onTrouble } = this.#parts;
    try {
      return await this.#open(prepare);
    } catch (error) {
      if (!isOfDisk(error)) {
        const begun = await this.#begunAnew(error, prepare).catch(() => undefined);
        if (begun) return begun;
      }
      onTrouble(
        `${path} cannot be written (${error}): what belongs there is kept in memory until the next start`,
      );
      return opened<T>({ inMemoryOnly: true }, prepare);
    }
  }

  async #begunAnew(error: unknown, prepare: Prepare<T>): Promise<Collection<T>> {
    const { path, onTrouble } = this.#parts;
    const aside = damagedName(path, Date.now());
    renameSync(path, aside);
    onTrouble(`${path} could not be read (${error}); it was set aside as ${aside} and begun anew`);
    return this.#open(prepare);
  }

  #open(prepare: Prepare<T>): Promise<Collection<T>> {
    // an error of reading would not come back through `load`: it is looked for before
    if (existsSync(this.#parts.path)) closeSync(openSync(this.#parts.path, 'r+'));
    return opened<T>({ filename: this.#parts.path }, prepare);
  }
}

async function opened<T extends { _id: string }>(
  where: { filename: string } | { inMemoryOnly: true },
  prepare: Prepare<T>,
): Promise<Collection<T>> {
  const store = Datastore.create({ ...where, corruptAlertThreshold: 1 });
  await store.load();
  const collection = store as unknown as Collection<T>;
  await prepare(collection);
  return collection;
}

function isOfDisk(error: unknown): boolean {
  return TROUBLES_OF_DISK.includes(String((error as NodeJS.ErrnoException).code));
}
