/**
 * The end of a restore that was ordered through the API: before anything of the gateway is opened, what was checked takes
 * its place. An interruption is no harm: the order stays until it is done, and the next start goes on from there.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { readNote, writeNote } from './note.ts';
import { putInPlace, syncFolder } from './place.ts';

export interface RestorePlaces {
  folder: string;
  /** What was unpacked: `data` and `config`. */
  content: string;
  facts: string;
  /** There once it shall take its place. */
  order: string;
  outcome: string;
}

export function restorePlaces(dataFolder: string): RestorePlaces {
  const folder = join(dataFolder, 'restore-waiting');
  return {
    folder,
    content: join(folder, 'content'),
    facts: join(folder, 'facts.json'),
    order: join(folder, 'order.json'),
    outcome: join(dataFolder, 'restore-outcome.json'),
  };
}

export const backupFacts = v.object({
  version: v.string(),
  takenAt: v.number(),
  readings: v.boolean(),
  files: v.number(),
});
const orderSchema = v.object({
  ...backupFacts.entries,
  aside: v.pipe(v.string(), v.regex(/^before-restore-[\w-]+$/)),
});
export const outcomeSchema = v.object({ ...orderSchema.entries, ts: v.number(), told: v.boolean() });

/** @returns whether there was one to be put in place @throws Error of the file system; the next start tries again */
export async function finishOrderedRestore(
  { dataFolder, configFolder }: { dataFolder: string; configFolder: string },
  now: number,
): Promise<boolean> {
  const { folder, content, order, outcome } = restorePlaces(dataFolder);
  const ordered = await readNote(order, orderSchema);
  if (!ordered) return false;
  await putInPlace(content, { dataFolder, configFolder, aside: ordered.aside });
  await writeNote(outcome, { ...ordered, ts: now, told: false });
  // the order goes first: a folder that is half removed must not be taken for one that waits
  await rm(order);
  await syncFolder(folder);
  await rm(folder, { recursive: true, force: true });
  return true;
}
