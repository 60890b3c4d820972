/** What may befall a file: torn, emptied, a bit turned over, something else in its place, nobody may read it, written by a later version. */
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Random } from './random.ts';

export const DAMAGE_KINDS = ['torn', 'empty', 'flipped', 'zeroed', 'folder', 'unreadable', 'newer'] as const;
export type DamageKind = (typeof DAMAGE_KINDS)[number];

/** A disk gives back what it lost as zeros, by blocks of so many bytes. */
const BLOCK_BYTES = 4_096;
const NEWER_STORE = 9_999;

/** @returns what was done, in words; undefined where that kind does not fit this file */
export function damage(path: string, kind: DamageKind, random: Random): string | undefined {
  const before = statSync(path);
  const done = CHANGES[kind](path, before.size, random);
  if (done !== undefined && kind !== 'folder' && kind !== 'unreadable') chmodSync(path, before.mode & 0o777);
  return done;
}

const CHANGES: Record<DamageKind, (path: string, bytes: number, random: Random) => string | undefined> = {
  torn: (path, bytes, random) => {
    if (bytes < 2) return undefined;
    const kept = random.whole(1, bytes);
    writeFileSync(path, readFileSync(path).subarray(0, kept));
    return `torn after ${kept} of ${bytes} bytes`;
  },
  empty: (path, bytes) => {
    if (bytes === 0) return undefined;
    writeFileSync(path, '');
    return `empty, was ${bytes} bytes`;
  },
  flipped: (path, bytes, random) => {
    if (bytes === 0) return undefined;
    const content = readFileSync(path);
    const [at, bit] = [random.whole(0, bytes), random.whole(0, 8)];
    content[at] = (content[at] ?? 0) ^ (1 << bit);
    writeFileSync(path, content);
    return `bit ${bit} of byte ${at} of ${bytes} flipped`;
  },
  zeroed: (path, bytes, random) => {
    if (bytes === 0) return undefined;
    const content = readFileSync(path);
    const from = random.whole(0, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;
    content.fill(0, from, Math.min(bytes, from + BLOCK_BYTES));
    writeFileSync(path, content);
    return `zeros from byte ${from} on, of ${bytes}`;
  },
  folder: (path) => {
    rmSync(path);
    mkdirSync(path);
    return 'a folder in its place';
  },
  unreadable: (path) => {
    chmodSync(path, 0);
    return 'nobody may read it';
  },
  newer: (path) => {
    if (!path.endsWith('gate.db')) return undefined;
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = ${NEWER_STORE}`);
    database.close();
    return `of version ${NEWER_STORE}`;
  },
};
