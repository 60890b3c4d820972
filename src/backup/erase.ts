/**
 * Erases what a gateway holds of its people and its secrets. Interrupted, the daemon refuses to start until it was done
 * to its end; the store, by which its containers are known, goes last.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openForReading } from '../store/sqlite.ts';
import { STORE, syncFolder } from './place.ts';
import { ERASING } from './unfinished.ts';

const SETTINGS = '.env';

export interface ErasedFolders {
  dataFolder: string;
  configFolder: string;
  /** The file `.env` of the settings stays. */
  keepSettings: boolean;
  /** Done before any file goes; what it rejects with ends the work, and it may be begun again. */
  before: () => Promise<void>;
}

/** The gateway must be stopped. @returns the paths that are gone */
export async function eraseGateway(folders: ErasedFolders): Promise<string[]> {
  const { dataFolder, configFolder, keepSettings, before } = folders;
  await before();
  const marker = join(dataFolder, ERASING);
  await mkdir(marker, { recursive: true, mode: 0o700 });
  await syncFolder(dataFolder);
  const config = existsSync(configFolder) ? await readdir(configFolder) : [];
  const data = (await readdir(dataFolder)).filter((name) => name !== ERASING).sort(storeLast);
  const paths = [
    ...config.filter((name) => !(keepSettings && name === SETTINGS)).map((name) => join(configFolder, name)),
    ...data.map((name) => join(dataFolder, name)),
  ].filter((path) => path !== configFolder);
  for (const path of paths) await rm(path, { recursive: true, force: true });
  if (config.length > 0) await syncFolder(configFolder);
  await syncFolder(dataFolder);
  await rm(marker, { recursive: true });
  await syncFolder(dataFolder);
  return paths;
}

function storeLast(a: string, b: string): number {
  return Number(a === STORE) - Number(b === STORE) || (a < b ? -1 : 1);
}

/** The id that the gateway made for itself; undefined where there is no store, or none that can be read. */
export function keptGatewayId(dataFolder: string): string | undefined {
  const path = join(dataFolder, STORE);
  if (!existsSync(path)) return undefined;
  try {
    const database = openForReading(path);
    try {
      const row = database.prepare("SELECT value FROM meta WHERE key = 'gatewayId'").get();
      return row && String(row['value']);
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}
