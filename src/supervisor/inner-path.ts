/**
 * Paths that an add-on's manifest names. Whatever the manifest says and wherever symbolic links point, what is
 * opened lies inside the add-on's own folder.
 */
import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';

/** The real path of `inner` below `folder`, or undefined when there is nothing. @throws when it leads outside */
export async function realInnerPath(folder: string, inner: string): Promise<string | undefined> {
  const [root, target] = await Promise.all([realPathOf(folder), realPathOf(resolve(folder, inner))]);
  if (root === undefined || target === undefined) return undefined;
  if (!target.startsWith(root + sep)) throw new Error(`${inner} leads outside the add-on's folder ${folder}`);
  return target;
}

/** Where an add-on's entry may lie: as its manifest has it or, where only the compiled form is there, that. */
export function entryCandidates(entry: string): string[] {
  return entry.endsWith('.ts') ? [entry, entry.replace(/\.ts$/, '.js')] : [entry];
}

async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
