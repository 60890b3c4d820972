/**
 * Whether what was written is on disk. When ext4 finds an error it gives its journal up and becomes read-only, and an
 * `fsync` that is under way just then may say that all is well. A card that fails would thus take readings with it that
 * were acknowledged. So before each write, and again before it is answered, the folder's time is set: the least that
 * needs the journal, and is refused once that was given up. It is not synced, and costs no write of its own. (`access(2)`
 * and opening a file notice later.)
 */
import type { Database } from '../sqlite.ts';
import { readOnlyError } from '../sqlite.ts';

// as in `migrations.ts`: an `import` of it would start more than is used
const { utimesSync } = process.getBuiltinModule('node:fs');

export interface DiskCheckParts {
  /** That the database lies in. */
  folder: string;
  database: Pick<Database, 'exec'>;
  /** Throws with the code EROFS where nothing can be written. */
  demandWritable?: (folder: string) => void;
}

export class DiskCheck {
  readonly #parts: DiskCheckParts;
  /** What was written last may not be on disk. */
  #isSuspect = false;

  constructor(parts: DiskCheckParts) {
    this.#parts = parts;
  }

  /** Writes, and has it on disk. @throws an error that may pass; what was written by then is forced to the disk later */
  written<T>(work: () => T): T {
    this.#demandWritable();
    if (this.#isSuspect) {
      this.#parts.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#isSuspect = false;
    }
    const result = work();
    try {
      this.#demandWritable();
    } catch (error) {
      this.#isSuspect = true;
      throw error;
    }
    return result;
  }

  #demandWritable(): void {
    const { folder, demandWritable = touch } = this.#parts;
    try {
      demandWritable(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EROFS') throw readOnlyError();
    }
  }
}

/**
 * Twice: the one that meets the journal just after it was given up makes ext4 read-only, and is told all the same that all
 * is well.
 */
function touch(folder: string): void {
  const now = new Date();
  utimesSync(folder, now, now);
  utimesSync(folder, now, now);
}
