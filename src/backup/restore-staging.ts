/** Where a restore works, below the data folder; while it is there the restore is not finished. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../model/error.ts';

export const RESTORE_STAGING = 'restore-staging';

/** For the start of the daemon: half a gateway must not run. @throws GatewayError folderUnusable */
export function refuseHalfRestored(dataFolder: string): void {
  if (!existsSync(join(dataFolder, RESTORE_STAGING))) return;
  throw new GatewayError('folderUnusable', `a restore into ${dataFolder} was interrupted`, {
    hint: 'run "gate restore --replace" with the same file again',
  });
}
