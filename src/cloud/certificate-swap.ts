/**
 * A new certificate and its key take the place of those before, from a folder beside them. Each step may be repeated:
 * what a power cut interrupted is finished by doing it again. What is replaced is kept until the end, so that a new pair
 * that was damaged meanwhile does not leave the gateway without any.
 */
import { access, copyFile, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { damagedName } from '../lib/damaged-name.ts';
import { CERTIFICATE_FILE, checkPair, KEY_FILE } from './credentials.ts';

const PAIR = [KEY_FILE, CERTIFICATE_FILE] as const;
/** Of a file that was replaced: what was there. */
const BEFORE = 'before-';

/** `from` is gone when this resolves. */
export async function swapPair(from: string, credentialsFolder: string): Promise<void> {
  for (const name of PAIR) {
    const [fresh, used] = [join(from, name), join(credentialsFolder, name)];
    if (!(await exists(fresh))) continue;
    await keepBefore(used, join(from, BEFORE + name));
    await rename(fresh, used);
  }
  await synced(credentialsFolder);
  await rm(from, { recursive: true, force: true });
}

/**
 * Goes on with a swap that was interrupted; or takes it back, where the new pair is damaged.
 * @returns what is wrong then, in words
 */
export async function finishSwap(
  from: string,
  credentialsFolder: string,
  now: number,
): Promise<string | undefined> {
  const damage = await damageOf(from, credentialsFolder);
  if (damage === undefined) {
    await swapPair(from, credentialsFolder);
    return undefined;
  }
  for (const name of PAIR) {
    const before = join(from, BEFORE + name);
    if (await exists(before)) await rename(before, join(credentialsFolder, name));
  }
  const aside = damagedName(from, now);
  await rename(from, aside);
  await synced(credentialsFolder);
  return `the new certificate of the cloud is damaged (${damage}); it was set aside as ${aside}, and the one before is used: have the cloud renew it once more`;
}

/** A copy: a file that root put there may be read by gate, but not linked. One that is not there, or is none, is not kept. */
async function keepBefore(used: string, copy: string): Promise<void> {
  await rm(copy, { recursive: true, force: true });
  try {
    await copyFile(used, copy);
  } catch {
    // the new pair is whole, and what it replaces cannot be used anyway
    await rm(copy, { recursive: true, force: true });
    return;
  }
  await synced(copy);
}

/** Of the pair that the swap comes to; half of it may be in place already. */
async function damageOf(from: string, credentialsFolder: string): Promise<string | undefined> {
  const half = async (name: string) =>
    readFile(join((await exists(join(from, name))) ? from : credentialsFolder, name), 'utf8');
  try {
    checkPair({ certificate: await half(CERTIFICATE_FILE), key: await half(KEY_FILE), folder: from });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A file, or a folder: a rename is on disk only when that is. */
export async function synced(path: string): Promise<void> {
  await using handle = await open(path);
  await handle.sync();
}
