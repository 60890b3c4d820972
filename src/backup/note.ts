/** Small notes of JSON beside what they tell of: on disk whole, or not at all. */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { syncFolder } from './place.ts';

/** On disk when it resolves. */
export async function writeNote(path: string, note: object): Promise<void> {
  const aside = `${path}.tmp`;
  const file = await open(aside, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(note));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path).catch(async (error: NodeJS.ErrnoException) => {
    // a folder has come into its place: nothing that was ever written there
    if (error.code !== 'EISDIR') throw error;
    await rm(path, { recursive: true });
    await rename(aside, path);
  });
  await syncFolder(dirname(path));
}

/** Undefined where there is none, or none of that form. */
export async function readNote<S extends v.GenericSchema>(
  path: string,
  schema: S,
): Promise<v.InferOutput<S> | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  return parsed.success ? (parsed.output as v.InferOutput<S>) : undefined;
}
