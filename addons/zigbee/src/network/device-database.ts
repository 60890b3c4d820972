/**
 * The library's database of devices, made to survive: after each of its writes the folder is forced to the disk, the
 * content before is kept, and a damaged file is replaced by that content before the library reads it. (Left alone the
 * library drops the lines that it cannot read, and with them the devices.)
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { keepPrevious, PREVIOUS_SUFFIX, syncFolderOf, writeDurably } from './durable-file.ts';

interface Database {
  path: string;
  write(): void;
}
const DURABLE = Symbol('durable');

/** Once in a process; a second call changes nothing. @throws Error when the library is not the version this is for */
export function makeDatabaseDurable(): void {
  const require = createRequire(import.meta.url);
  const prototype: Database & { [DURABLE]?: true } = require('zigbee-herdsman/dist/controller/database.js')
    .Database.prototype;
  if (prototype[DURABLE]) return;
  const { write } = prototype;
  if (typeof write !== 'function') throw new Error('zigbee-herdsman writes its database elsewhere now');
  prototype[DURABLE] = true;
  prototype.write = function durable(this: Database) {
    keepPrevious(this.path);
    write.call(this);
    syncFolderOf(this.path);
  };
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
