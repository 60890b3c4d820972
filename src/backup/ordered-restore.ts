/**
 * The end of a restore that was ordered through the API: before anything of the gateway is opened, what was checked takes
 * its place. An interruption is no harm: the order stays until it is done, and the next start goes on from there.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { readNote, writeNote } from './note.ts';
import { asideName, putInPlace, syncFolder } from './place.ts';

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

/**
 * @returns whether there was one to be put in place
 * @throws GatewayError folderUnusable where nothing tells any more what was ordered; Error of the file system: the next
 * start tries again
 */
export async function finishOrderedRestore(
  { dataFolder, configFolder }: { dataFolder: string; configFolder: string },
  now: number,
): Promise<boolean> {
  const places = restorePlaces(dataFolder);
  const { folder, content, order, outcome } = places;
  if (!existsSync(order)) return false;
  const ordered = await readOrder(places, now);
  await putInPlace(content, { dataFolder, configFolder, aside: ordered.aside });
  await writeNote(outcome, { ...ordered, ts: now, told: false });
  // the order goes first: a folder that is half removed must not be taken for one that waits
  await rm(order, { recursive: true });
  await syncFolder(folder);
  await rm(folder, { recursive: true, force: true });
  return true;
}

/**
 * That it was ordered is certain where the file is there: it may be half in place already, and half a gateway must not
 * run. What was checked tells the rest of a damaged order; another name for what goes aside is no harm.
 */
async function readOrder({ folder, facts, order }: RestorePlaces, now: number) {
  const ordered = await readNote(order, orderSchema);
  if (ordered) return ordered;
  const checked = await readNote(facts, backupFacts);
  if (checked) return { ...checked, aside: asideName(now) };
  throw new GatewayError(
    'folderUnusable',
    `a restore was ordered, and neither its order.json nor its facts.json in ${folder} can be read`,
    { hint: `remove ${folder}, then run "gate restore --replace" with the same backup` },
  );
}
