/** Before the store is opened: what SQLite would pass over in silence in its log is copied aside, and told. */
import { GatewayError } from '../../model/error.ts';
import { forbiddenFile } from '../sqlite.ts';
import { logDamage } from './log-check.ts';

/** @returns what is damaged and where the copy is, in words; undefined where all is well @throws GatewayError storeFailed where the disk does not give it */
export async function checkedLog(path: string, nowMs: number): Promise<string | undefined> {
  const damage = readDamage(path);
  if (damage === undefined) return undefined;
  const { copyLogAside } = await import('./damaged-store.ts');
  const copy = copyLogAside(path, nowMs);
  return `${damage}: readings and changes that were stored last may be missing; it was copied to ${copy}`;
}

function readDamage(path: string): string | undefined {
  try {
    return logDamage(path);
  } catch (cause) {
    const forbidden = forbiddenFile(path);
    if (forbidden) throw forbidden;
    throw new GatewayError(
      'storeFailed',
      `the log of the store cannot be read: ${(cause as Error).message}`,
      {
        hint: 'the disk does not give it: dmesg says more; a disk that fails must be replaced',
        cause,
      },
    );
  }
}
