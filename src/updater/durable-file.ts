/** Files that are there whole or not at all, also after a power cut. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';

export function writeDurably(path: string, value: unknown, mode = 0o644): void {
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  // `wx`: never through a link that somebody put there
  const file = openSync(aside, 'wx', mode);
  try {
    writeSync(file, `${JSON.stringify(value)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  moveInto(aside, path);
  syncFolder(dirname(path));
}

function moveInto(from: string, path: string): void {
  try {
    renameSync(from, path);
  } catch (error) {
    // a folder has come into its place: nothing that was ever written there
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error;
    rmSync(path, { recursive: true });
    renameSync(from, path);
  }
}

export function removeDurably(path: string): void {
  rmSync(path, { recursive: true, force: true });
  syncFolder(dirname(path));
}

/** What lies there, or undefined where nothing does, or nothing of that form. */
export function readForm<S extends v.GenericSchema>(path: string, schema: S): v.InferOutput<S> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(readFileSync(path, 'utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** A rename is on disk only when its folder is. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
