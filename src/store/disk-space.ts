/**
 * Watches how much room is left where the data folder lies, and says so before the disk is full. It only tells:
 * readings are taken until the disk itself refuses them.
 *
 * Nearly full is 10 % of the file system or 500 MB, whichever is less; that is over at half as much again, so that a
 * disk at the limit does not flicker.
 */
import { statfs } from 'node:fs/promises';
import { nearlyFullBelow } from '../model/disk-room.ts';

const ENOUGH_FACTOR = 1.5;
const CHECK_EVERY_MS = 30_000;
const MB = 1_000_000;

/** What `statfs(2)` says: blocks of `bsize` bytes, and how many this user may still take. */
export interface FileSystemRoom {
  bsize: number;
  blocks: number;
  bavail: number;
}

export interface DiskSpaceParts {
  folder: string;
  /** A reason: it is nearly full, or cannot be asked. Told when it begins, and undefined when it is over. */
  onChange: (trouble: string | undefined) => void;
  /** Each time it was looked at. */
  onFigures: (figures: { freeBytes: number; totalBytes: number }) => void;
  statfs?: (folder: string) => Promise<FileSystemRoom>;
  checkEveryMs?: number;
}

export class DiskSpace {
  readonly #parts: DiskSpaceParts;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #told: { trouble: string | undefined } | undefined;
  #nearlyFull = false;

  constructor(parts: DiskSpaceParts) {
    this.#parts = parts;
  }

  /** Begins to watch. A file system that hangs holds nothing up. */
  start(): void {
    void this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #watch(): Promise<void> {
    const trouble = await this.#look();
    if (this.#stopped) return;
    if (this.#told === undefined || (this.#told.trouble === undefined) !== (trouble === undefined)) {
      this.#told = { trouble };
      this.#parts.onChange(trouble);
    }
    this.#timer = setTimeout(() => void this.#watch(), this.#parts.checkEveryMs ?? CHECK_EVERY_MS);
    this.#timer.unref();
  }

  async #look(): Promise<string | undefined> {
    const { folder, onFigures } = this.#parts;
    let room: FileSystemRoom;
    try {
      room = await (this.#parts.statfs ?? statfs)(folder);
    } catch (error) {
      return `how much room is left for ${folder} cannot be asked: ${(error as Error).message}`;
    }
    const [freeBytes, totalBytes] = [room.bavail * room.bsize, room.blocks * room.bsize];
    // some virtual file systems have no size
    if (totalBytes === 0) return undefined;
    if (!this.#stopped) onFigures({ freeBytes, totalBytes });
    const limit = nearlyFullBelow(totalBytes);
    this.#nearlyFull = freeBytes < (this.#nearlyFull ? limit * ENOUGH_FACTOR : limit);
    if (!this.#nearlyFull) return undefined;
    const left = `${inMb(freeBytes)} of ${inMb(totalBytes)} MB are left for ${folder}`;
    return `the disk is nearly full: ${left}; delete something, or lower RETENTION_MB`;
  }
}

function inMb(bytes: number): string {
  return bytes < 10 * MB ? (bytes / MB).toFixed(1) : String(Math.round(bytes / MB));
}
