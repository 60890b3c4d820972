/**
 * Files that survive a power cut: written whole beside the old one, forced to the disk, put in its place in one step.
 * The content before is kept as `<name>.previous`. Mode 0600: keys of the network are among them.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

export const PREVIOUS_SUFFIX = '.previous';

export function writeDurably(path: string, text: string): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  keepPrevious(path);
  renameSync(fresh, path);
  syncFolderOf(path);
}

/** What `path` holds now stays reachable as its previous content, whatever takes its place. */
function keepPrevious(path: string): void {
  if (!existsSync(path)) return;
  const previous = `${path}${PREVIOUS_SUFFIX}`;
  // also a folder that has come into its place
  rmSync(previous, { recursive: true, force: true });
  linkSync(path, previous);
}

/** A rename is on the disk once its folder is. */
function syncFolderOf(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * The content that `parse` takes: that of the file or, where it is missing or damaged, its previous one; undefined
 * when there is neither. A damaged file whose previous content is whole is set aside, and that takes its place.
 * @param onDamage told in words what was done @throws Error naming the file, when there are files but none can be read
 */
export function readDurably<T>(
  path: string,
  parse: (text: string) => T,
  onDamage: (message: string) => void = () => undefined,
): T | undefined {
  const found = parsed(path, parse);
  if ('content' in found) return found.content;
  const previous = parsed(`${path}${PREVIOUS_SUFFIX}`, parse);
  const damage = found.damage ?? previous.damage;
  if ('content' in previous) {
    if (found.damage) onDamage(`${words(path, found.damage)}: ${putBack(path)}`);
    return previous.content;
  }
  if (damage) throw new Error(words(path, damage), { cause: damage });
  return undefined;
}

/** Out of the way, under a dated name. @returns that name; undefined where nothing was there */
export function setAside(path: string): string | undefined {
  const dated = `${path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
  let aside = dated;
  // a clock may stand still
  for (let n = 2; existsSync(aside); n += 1) aside = `${dated}-${n}`;
  try {
    renameSync(path, aside);
    return aside;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The previous content takes the place of a file that is damaged. @returns what was done, in words */
export function putBack(path: string): string {
  const text = readFileSync(`${path}${PREVIOUS_SUFFIX}`, 'utf8');
  const aside = setAside(path);
  writeDurably(path, text);
  return `its previous copy was put in its place${aside === undefined ? '' : `, and it was set aside as ${aside}`}`;
}

type Found<T> = { content: T; damage?: undefined } | { damage?: Error };

function parsed<T>(path: string, parse: (text: string) => T): Found<T> {
  try {
    return { content: parse(readFileSync(path, 'utf8')) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : { damage: error as Error };
  }
}

function words(path: string, { message }: Error): string {
  return `${path} cannot be read (${message})`;
}
