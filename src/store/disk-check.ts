/**
 * Whether what was written is on disk. When ext4 finds an error it gives its journal up and becomes read-only, and an
 * `fsync` that is under way just then may say that all is well. A card that fails would thus take readings with it that
 * were acknowledged. So it is tried before each write, and again before it is answered, whether the file system still
 * lets the store's log be opened for writing. (`access(2)` does not tell on newer kernels. The store's own file must not
 * be opened for this: closing it would give SQLite's locks up.)
 */
import type { Database } from './sqlite.ts';
import { readOnlyError } from './sqlite.ts';

// as in `migrations.ts`: an `import` of it would start more than is used
const { closeSync, openSync } = process.getBuiltinModule('node:fs');

export interface DiskCheckParts {
  /** A file that is there while the database is open, and that nobody locks: its log. */
  path: string;
  database: Pick<Database, 'exec'>;
  /** Throws with the code EROFS where nothing can be written. */
  demandWritable?: (path: string) => void;
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
    const { path, demandWritable = (file) => closeSync(openSync(file, 'r+')) } = this.#parts;
    try {
      demandWritable(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EROFS') throw readOnlyError();
    }
  }
}
