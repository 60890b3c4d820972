/**
 * The library's database of devices, made to survive: its writes are gathered, after each the folder is forced to the disk,
 * the content before is kept, and a damaged file is replaced by that content before the library reads it. (Left alone the
 * library drops the lines that it cannot read, and with them the devices.)
 *
 * The library writes the whole file, and waits for the disk, at each binding and each reporting that is set up: dozens of
 * times for one device. So a write is noted and done a little later, or at `flushDatabase`: before anything is acknowledged.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Controller } from 'zigbee-herdsman';
import { keepPrevious, PREVIOUS_SUFFIX, syncFolderOf, writeDurably } from './durable-file.ts';

/** How long a change may wait for others, and after a write that the disk refused. */
const WRITE_WINDOW_MS = 500;
const WRITE_AGAIN_MS = 5_000;

const DURABLE = Symbol('durable');
const WAITING = Symbol('a write is waiting');

interface Database {
  path: string;
  write(): void;
  [WAITING]?: NodeJS.Timeout;
}
interface DurablePrototype extends Database {
  [DURABLE]?: (database: Database) => void;
}

function databasePrototype(): DurablePrototype {
  return createRequire(import.meta.url)('zigbee-herdsman/dist/controller/database.js').Database.prototype;
}

/**
 * Once in a process; a second call changes nothing. @param onFailure told when the disk refused a write that nobody waits
 * for: it is tried again. @throws Error when the library is not the version this is for
 */
export function makeDatabaseDurable(onFailure: (error: Error) => void): void {
  const prototype = databasePrototype();
  if (prototype[DURABLE]) return;
  const { write } = prototype;
  if (typeof write !== 'function') throw new Error('zigbee-herdsman writes its database elsewhere now');
  prototype[DURABLE] = (database) => {
    keepPrevious(database.path);
    write.call(database);
    syncFolderOf(database.path);
  };
  const later = (database: Database, ms: number) => {
    database[WAITING] ??= setTimeout(() => {
      try {
        flush(database);
      } catch (error) {
        onFailure(error as Error);
        later(database, WRITE_AGAIN_MS);
      }
    }, ms);
  };
  prototype.write = function gathered(this: Database) {
    later(this, WRITE_WINDOW_MS);
  };
}

/** What has changed is on the disk when this returns. @throws what the disk says */
export function flushDatabase(controller: Controller): void {
  const { database } = controller as unknown as { database?: Database };
  if (database) flush(database);
}

function flush(database: Database): void {
  if (!database[WAITING]) return;
  clearTimeout(database[WAITING]);
  delete database[WAITING];
  databasePrototype()[DURABLE]?.(database);
}

/** @returns what was done about damage, for the log; undefined when the database is whole or not there */
export function mendDatabase(path: string): string | undefined {
  if (!existsSync(path) && !existsSync(`${path}${PREVIOUS_SUFFIX}`)) return undefined;
  if (isWhole(path)) return undefined;
  const previous = `${path}${PREVIOUS_SUFFIX}`;
  if (!isWhole(previous)) return `${path} is damaged, and so is its previous copy: devices may be missing`;
  writeDurably(path, readFileSync(previous, 'utf8'));
  return `${path} was damaged; its previous copy was put in its place`;
}

/**
 * The coordinator is asked for its endpoints once, when it is entered. One whose first start was broken off in between
 * would stay without them, and nothing could be bound to it: its entry is taken out, so that it is asked anew.
 */
export function forgetHalfCoordinator(path: string): void {
  if (!existsSync(path)) return;
  const lines = readFileSync(path, 'utf8').split('\n');
  const kept = lines.filter((line) => !isHalfCoordinator(line));
  if (kept.length < lines.length) writeDurably(path, kept.join('\n'));
}

function isHalfCoordinator(line: string): boolean {
  if (!line.includes('"type":"Coordinator"') || !isEntry(line)) return false;
  const { endpoints = {} } = JSON.parse(line) as { endpoints?: Record<string, { profId?: number }> };
  const described = Object.values(endpoints);
  return described.length === 0 || described.some(({ profId }) => profId === undefined);
}

/** Devices other than the coordinator in the database. */
export function pairedDevicesIn(path: string): number {
  if (!existsSync(path)) return 0;
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /"type":"(Router|EndDevice|Unknown|GreenPower)"/.test(line)).length;
}

function isWhole(path: string): boolean {
  if (!existsSync(path)) return false;
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.length > 0 && lines.every(isEntry);
}

function isEntry(line: string): boolean {
  try {
    return Number.isFinite((JSON.parse(line) as { id?: number }).id);
  } catch {
    return false;
  }
}
