/**
 * Whether what was written is on disk. When ext4 finds an error it becomes read-only, and from then on `fsync` of a file
 * that is open says that all is well and writes nothing (`ext4_sync_file`). A card that fails would thus take readings
 * that are acknowledged with it. So the file system is asked before each write, and again before it is answered.
 */
import type { Database } from './sqlite.ts';
import { readOnlyError } from './sqlite.ts';

// as in `migrations.ts`: an `import` of it would start more than is used
const { accessSync, constants } = process.getBuiltinModule('node:fs');

export interface DiskCheckParts {
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
    const { path, demandWritable = (file) => accessSync(file, constants.W_OK) } = this.#parts;
    try {
      demandWritable(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EROFS') throw readOnlyError();
    }
  }
}
