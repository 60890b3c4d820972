/**
 * The library's database of devices, made to survive: its writes are gathered, each is on the disk and has a checksum as
 * its last line, the content before is kept, and a damaged file is replaced by that content before the library reads it.
 * (Left alone the library drops the lines that it cannot read, and with them the devices; and it believes the others.)
 *
 * The library writes the whole file, and waits for the disk, at each binding and each reporting that is set up: dozens of
 * times for one device. So a write is noted and done a little later, or at `flushDatabase`: before anything is acknowledged.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Controller } from 'zigbee-herdsman';
import { PREVIOUS_SUFFIX, putBack, setAside, writeDurably } from './durable-file.ts';

/** How long a change may wait for others, and after a write that the disk refused. */
const WRITE_WINDOW_MS = 500;
const WRITE_AGAIN_MS = 5_000;

const DURABLE = Symbol('durable');
const WAITING = Symbol('a write is waiting');

interface Database {
  path: string;
  entries: Map<number, object>;
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
  if (typeof prototype.write !== 'function')
    throw new Error('zigbee-herdsman writes its database elsewhere now');
  prototype[DURABLE] = ({ path, entries }) => {
    const lines = [...entries.values()].map((entry) => JSON.stringify(entry));
    writeDurably(path, withSum(lines));
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
  const previous = `${path}${PREVIOUS_SUFFIX}`;
  if (isWhole(path) || !(existsSync(path) || existsSync(previous))) return undefined;
  if (isWhole(previous)) return `${path} is damaged: ${putBack(path)}`;
  // the library goes on with what it can read, and writes no more than that
  const aside = keptAside(path);
  return `${path} is damaged, and so is its previous copy: devices may be missing${aside === undefined ? '' : `. It was set aside as ${aside}`}`;
}

/** What can be read of it stays in its place too. */
function keptAside(path: string): string | undefined {
  const aside = setAside(path);
  if (aside === undefined) return undefined;
  try {
    copyFileSync(aside, path);
  } catch {
    // a folder, or a file that may not be read: there is nothing to go on with
  }
  return aside;
}

/**
 * The coordinator is asked for its endpoints once, when it is entered. One whose first start was broken off in between
 * would stay without them, and nothing could be bound to it: its entry is taken out, so that it is asked anew.
 */
export function forgetHalfCoordinator(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const entries = linesOf(readFileSync(path, 'utf8')).filter((line) => !line.startsWith('{"sum":'));
  const kept = entries.filter((line) => !isHalfCoordinator(line));
  if (kept.length < entries.length) writeDurably(path, withSum(kept));
}

function isHalfCoordinator(line: string): boolean {
  if (!line.includes('"type":"Coordinator"')) return false;
  try {
    const { endpoints = {} } = JSON.parse(line) as { endpoints?: Record<string, { profId?: number }> };
    const described = Object.values(endpoints);
    return described.length === 0 || described.some(({ profId }) => profId === undefined);
  } catch {
    // a line that is damaged is not read by the library either, which enters the coordinator anew then
    return false;
  }
}

/** Devices other than the coordinator in the database. */
export function pairedDevicesIn(path: string): number {
  if (!existsSync(path)) return 0;
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /"type":"(Router|EndDevice|Unknown|GreenPower)"/.test(line)).length;
}

/** Also one without a checksum, as the library writes it. */
function isWhole(path: string): boolean {
  try {
    const lines = linesOf(readFileSync(path, 'utf8'));
    const { sum } = JSON.parse(lines.at(-1) ?? '{}') as { sum?: string };
    if (sum !== undefined && sum !== sumOf(lines.slice(0, -1))) return false;
    return (
      lines.length > 0 && lines.every((line) => isEntry(line) || (sum !== undefined && line === lines.at(-1)))
    );
  } catch {
    return false;
  }
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** The content of a database: its entries, and their checksum below them. */
const withSum = (lines: readonly string[]) => [...lines, JSON.stringify({ sum: sumOf(lines) })].join('\n');

function sumOf(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function isEntry(line: string): boolean {
  return Number.isFinite((JSON.parse(line) as { id?: number }).id);
}
