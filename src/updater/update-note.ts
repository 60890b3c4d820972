/**
 * How far an update is, noted twice, each with its checksum: a bit that flips in one of the two leaves no box between two
 * releases. The copy is written first and removed last, so it is never behind; a step that it is ahead by was not begun.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import * as v from 'valibot';
import { damagedName } from '../lib/damaged-name.ts';
import { writeDurably } from './durable-file.ts';
import { stateSchema, type UpdateState } from './forms.ts';
import type { InstallFolders } from './install-folders.ts';

type Places = Pick<InstallFolders, 'state' | 'stateCopy'>;

export function noteUpdate({ state, stateCopy }: Places, noted: UpdateState): void {
  const note = { ...noted, sum: sumOf(noted) };
  writeDurably(stateCopy, note);
  writeDurably(state, note);
}

/** The update that was interrupted; undefined where none was, or where both notes are damaged, which is told. */
export function interruptedUpdate(places: Places, log: (message: string) => void): UpdateState | undefined {
  const { state, stateCopy } = places;
  if (!existsSync(state)) return undefined;
  const noted = readNote(state);
  if (noted !== undefined) return noted;
  const copy = readNote(stateCopy);
  if (copy !== undefined) {
    log(`${state} is damaged: its copy takes its place`);
    noteUpdate(places, copy);
    return copy;
  }
  const aside = damagedName(state, Date.now());
  renameSync(state, aside);
  log(
    `${state} is damaged, and so is its copy: it was set aside as ${aside}. What is installed stays as it is: run install.sh of the release that shall run`,
  );
  return undefined;
}

/** Undefined where it is damaged. An older gate notes no checksum. */
function readNote(path: string): UpdateState | undefined {
  try {
    const { sum, ...noted } = JSON.parse(readFileSync(path, 'utf8'));
    if (sum !== undefined && sum !== sumOf(noted)) return undefined;
    const result = v.safeParse(stateSchema, noted);
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function sumOf(noted: object): string {
  return createHash('sha256').update(JSON.stringify(noted)).digest('hex');
}
