/** The data folder: the gateway's own, made where it is missing. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { GatewayError } from '../model/error.ts';

/**
 * The absolute path of a folder that can be written. One that is made is of mode 0700; one that is there keeps the mode
 * it was given. @throws GatewayError folderUnusable
 */
export function usableDataFolder(path: string): string {
  const folder = resolve(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    throw new GatewayError(
      'folderUnusable',
      `DATA_FOLDER ${folder} cannot be written: ${(error as Error).message}`,
      {
        hint: 'give it to the user that runs gate, or set DATA_FOLDER to another folder',
        cause: error,
      },
    );
  }
}
