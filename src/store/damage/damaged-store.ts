/**
 * What becomes of a store that is damaged. It is set aside under a dated name, never deleted; what can still be read of
 * the registry (devices, protocols, clients, what is kept) is taken over into a new one, without the readings.
 */
import { copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { damagedName } from '../../lib/damaged-name.ts';
import { GatewayError } from '../../model/error.ts';
import { continueStore, snapshotStore } from '../store-snapshot.ts';

const SUFFIXES = ['', '-wal', '-shm'];
const TAKEN_OVER = '.taken-over';

/** `demandReadable` throws where what was taken over is of no use. @returns the error to end with */
export async function setAside(
  path: string,
  {
    error,
    now,
    demandReadable,
  }: { error: GatewayError; now: number; demandReadable: (path: string) => void },
): Promise<GatewayError> {
  const aside = damagedName(path, now);
  for (const suffix of SUFFIXES) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  const isTaken = await takeOver(aside, path, demandReadable);
  return new GatewayError('storeCorrupt', `${error.message}; it was set aside as ${aside}`, {
    hint: isTaken
      ? 'put a backup in its place, or start again to go on with the devices, protocols and clients that were taken over from it, without its readings'
      : 'put a backup in its place, or start again to begin with an empty store',
    cause: error,
  });
}

/** The log of a store that is otherwise whole: a copy, for SQLite goes on without what it cannot take. */
export function copyLogAside(path: string, now: number): string {
  const aside = damagedName(`${path}-wal`, now);
  copyFileSync(`${path}-wal`, aside);
  return aside;
}

async function takeOver(
  from: string,
  path: string,
  demandReadable: (path: string) => void,
): Promise<boolean> {
  // there is nothing in it, and SQLite would delete its log
  if (statSync(from).size === 0) return false;
  const fresh = path + TAKEN_OVER;
  const clear = () => {
    for (const suffix of SUFFIXES) rmSync(fresh + suffix, { force: true });
  };
  clear();
  try {
    await snapshotStore(from, { to: fresh, readings: false });
    // a number that was given to a reading is not given again
    continueStore(fresh);
    demandReadable(fresh);
    renameSync(fresh, path);
    return true;
  } catch {
    return false;
  } finally {
    clear();
  }
}
