/**
 * The only file that knows `node:sqlite` (a release candidate: what changes in it changes here). Opens connections
 * with the settings that durability rests on, and tells the errors apart.
 */
import { accessSync, chmodSync, constants, existsSync } from 'node:fs';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { GatewayError } from '../model/error.ts';

export type Database = DatabaseSync;
export type Statement = StatementSync;
export { backup };

const PAGE_SIZE_BYTES = 2048;
const BUSY_TIMEOUT_MS = 5_000;
/** Page cache of one connection; the kernel caches the rest. */
const CACHE_KIB = 4_096;

/**
 * The connection that writes. WAL with `synchronous=FULL`: a commit that has returned is on disk (docs/storage.md).
 * @throws GatewayError storeCorrupt, storeFailed
 */
export function openForWriting(path: string): Database {
  return opened(path, () => {
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // it holds the hashes of secrets and the key of tokens; its logs take the same mode
    chmodSync(path, 0o600);
    database.exec(`PRAGMA page_size=${PAGE_SIZE_BYTES}`);
    database.exec('PRAGMA journal_mode=WAL');
    database.exec('PRAGMA synchronous=FULL');
    database.exec(`PRAGMA cache_size=-${CACHE_KIB}`);
    database.exec('PRAGMA temp_store=MEMORY');
    return database;
  });
}

/** A connection that reads beside the writer and never waits for it. */
export function openForReading(path: string): Database {
  return opened(path, () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    database.exec(`PRAGMA cache_size=-${CACHE_KIB}`);
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  });
}

function opened(path: string, open: () => Database): Database {
  try {
    return open();
  } catch (error) {
    throw forbiddenFile(path) ?? storeError(error, path);
  }
}

/** SQLite tells a file that may not be read like one that cannot be opened. @returns the error where a file is such a one */
export function forbiddenFile(path: string): GatewayError | undefined {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code !== 'EACCES') continue;
      return new GatewayError('storeFailed', `the store may not be read and written: ${message}`, {
        hint: `give ${file} back to the user that runs gate, with the mode 600`,
        cause,
      });
    }
  }
  return undefined;
}

/** Runs `work` in one transaction: all of it is on disk when this returns, or none of it. */
export function inTransaction<T>(database: Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

// https://www.sqlite.org/rescode.html, primary result codes
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Troubles that may pass by themselves: the write is tried again, nothing is lost. */
const PASSING = new Map([
  [SQLITE_FULL, 'the disk is full: make room on it, or lower RETENTION_MB'],
  [SQLITE_IOERR, 'the disk reports an input/output error: check it'],
  [SQLITE_BUSY, 'another program has locked the store: end it'],
  [SQLITE_READONLY, 'the store cannot be written: is the file system read-only?'],
  [SQLITE_CANTOPEN, 'the store cannot be opened: check the folder and the limit of open files'],
]);

/** Why writing does not work just now, or undefined when trying again will not help. */
export function passingTrouble(error: unknown): string | undefined {
  return PASSING.get(primaryCode(error) ?? -1);
}

/** What SQLite would say, had it been told. */
export function readOnlyError(): Error {
  return Object.assign(new Error('the file system is read-only'), { errcode: SQLITE_READONLY });
}

export function storeError(error: unknown, path: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = primaryCode(error);
  const words = error instanceof Error ? error.message : String(error);
  // a record that is looked into by SQL, and is none any more
  const isTorn = code === SQLITE_ERROR && words === 'malformed JSON';
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB || isTorn) {
    return new GatewayError('storeCorrupt', `the store ${path} is damaged (${words})`, { cause: error });
  }
  const passing = passingTrouble(error);
  return new GatewayError('storeFailed', `the store ${path} failed: ${passing ?? words}`, { cause: error });
}

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  // the low byte of an extended code is its primary code
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/** Runs `work` on one unchanging view of the store. */
export function inReadTransaction<T>(database: Database, work: () => T): T {
  database.exec('BEGIN');
  try {
    return work();
  } finally {
    database.exec('COMMIT');
  }
}
