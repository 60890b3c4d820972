/**
 * The store's schema as numbered steps. `PRAGMA user_version` says which the file has; a file of a newer gateway is
 * refused untouched. Steps run on a copy that takes the file's place only when all have succeeded, so that an
 * interruption or a fault leaves the old store as it was.
 */
import { dirname } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { backup, type Database, inTransaction, openForReading, openForWriting } from './sqlite.ts';

// in the writer thread an `import` of these would start all that they export, promises and streams, ciphers and
// WebCrypto: 2 MB
const { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } =
  process.getBuiltinModule('node:fs');

/** One step: from version n (its place in the list) to n + 1. */
export type Migration = (database: Database) => void;

export const MIGRATIONS: readonly Migration[] = [
  (database) => {
    database.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE device (k INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT);
      CREATE TABLE protocol (slug TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE shape (k INTEGER PRIMARY KEY, skeleton TEXT NOT NULL UNIQUE);
      CREATE TABLE reading (seq INTEGER PRIMARY KEY AUTOINCREMENT, dev INTEGER NOT NULL, ts INTEGER NOT NULL,
        shape INTEGER NOT NULL, vals TEXT NOT NULL);
      CREATE INDEX reading_by_time ON reading (dev, ts);
      CREATE TABLE reading_count (dev INTEGER NOT NULL, hour INTEGER NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (dev, hour)) WITHOUT ROWID;
      CREATE TABLE device_shape (dev INTEGER NOT NULL, shape INTEGER NOT NULL, PRIMARY KEY (dev, shape)) WITHOUT ROWID;
      CREATE TABLE delivery (batch INTEGER PRIMARY KEY AUTOINCREMENT, addon TEXT NOT NULL, n INTEGER NOT NULL,
        ids TEXT NOT NULL);
    `);
    // five random bytes tell this store's readings from those of any other, also after a factory reset
    database
      .prepare('INSERT INTO meta VALUES (?, ?)')
      .run('epoch', Buffer.from(crypto.getRandomValues(new Uint8Array(5))).toString('hex'));
  },
  (database) => {
    database.exec(
      'CREATE TABLE notification (k INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL)',
    );
  },
  (database) =>
    database.exec('CREATE TABLE client (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID'),
  // filled in the background (`reading-packs.ts`), from what an older store holds too
  (database) =>
    database.exec(`
      CREATE TABLE reading_pack (k INTEGER PRIMARY KEY, dev INTEGER NOT NULL, start INTEGER NOT NULL,
        until INTEGER NOT NULL, shapes TEXT, body TEXT);
      CREATE UNIQUE INDEX reading_pack_by_time ON reading_pack (dev, start);
      CREATE INDEX reading_pack_loose ON reading_pack (dev, start) WHERE shapes IS NULL;
    `),
  // what an older store holds was not to be relayed, and gets no number
  (database) =>
    database.exec(`
      CREATE TABLE relay_run (cloud INTEGER PRIMARY KEY, start INTEGER NOT NULL, until INTEGER);
      CREATE UNIQUE INDEX relay_run_by_start ON relay_run (start);
      CREATE TABLE relay_pending (first INTEGER PRIMARY KEY, last INTEGER);
    `),
  // times of an older store are what they are
  (database) =>
    database.exec(`
      CREATE TABLE clock_stretch (k INTEGER PRIMARY KEY, boot TEXT NOT NULL, offset INTEGER NOT NULL,
        start INTEGER NOT NULL, shift INTEGER, estimated INTEGER NOT NULL DEFAULT 0, moved INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE reading_unsure (seq INTEGER PRIMARY KEY, stretch INTEGER NOT NULL);
    `),
];

/**
 * Opens the store for writing, made or brought up to date.
 * @throws GatewayError storeNewer, storeCorrupt, storeFailed
 */
export async function openMigrated(
  path: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<Database> {
  const copyPath = `${path}.migrating`;
  // left by an interruption: the store itself was not touched yet
  removeWithLogs(copyPath);
  if (!existsSync(path)) return made(path, migrations);
  demandContent(path);
  refuseNewer(path, migrations.length);
  const database = openForWriting(path);
  try {
    const version = versionOf(database);
    if (version === migrations.length) return database;
    if (version === 0) throw emptied(path);
    await backup(database, copyPath);
  } catch (error) {
    database.close();
    throw error;
  }
  const version = versionOf(database);
  database.close();
  const copy = openForWriting(copyPath);
  try {
    apply(copy, migrations, version);
  } finally {
    copy.close();
  }
  removeWithLogs(path, { keepMain: true });
  renameSync(copyPath, path);
  syncFolder(path);
  return openForWriting(path);
}

/** Whole or not at all: so a store without content is one that has lost it. */
function made(path: string, migrations: readonly Migration[]): Database {
  const copyPath = `${path}.migrating`;
  const database = openForWriting(copyPath);
  try {
    apply(database, migrations, 0);
  } finally {
    // what lies in the log goes into the file
    database.close();
  }
  // a log without its store is none of this one's
  removeWithLogs(path, { keepMain: true });
  renameSync(copyPath, path);
  syncFolder(path);
  return openForWriting(path);
}

/** Before SQLite opens it, which takes an empty file for a new store and deletes its log. */
function demandContent(path: string): void {
  if (statSync(path).size === 0) throw emptied(path);
}

function emptied(path: string): GatewayError {
  return new GatewayError('storeCorrupt', `the store ${path} is damaged (it is empty)`);
}

/** Looked at before anything is opened for writing: even that changes a file. */
function refuseNewer(path: string, known: number): void {
  const database = openForReading(path);
  const version = versionOf(database);
  database.close();
  if (version <= known) return;
  throw new GatewayError(
    'storeNewer',
    `the store ${path} is of version ${version}, this gateway knows up to ${known}`,
    {
      hint: 'start the newer release that wrote it, or set DATA_FOLDER to another folder',
    },
  );
}

function apply(database: Database, migrations: readonly Migration[], from: number): void {
  for (let version = from; version < migrations.length; version += 1) {
    inTransaction(database, () => {
      migrations[version]?.(database);
      database.exec(`PRAGMA user_version=${version + 1}`);
    });
  }
}

function versionOf(database: Database): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function removeWithLogs(path: string, { keepMain = false } = {}): void {
  for (const suffix of keepMain ? ['-wal', '-shm'] : ['', '-wal', '-shm'])
    rmSync(path + suffix, { force: true });
}

/** A rename is on disk only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
