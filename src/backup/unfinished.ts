/** What a restore or a factory reset leaves in the data folder until it is done: half a gateway must not run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../model/error.ts';

/** Where a restore works. */
export const RESTORE_STAGING = 'restore-staging';
/** A factory reset is under way. */
export const ERASING = 'erasing';

/** For the start of the daemon. @throws GatewayError folderUnusable */
export function refuseUnfinished(dataFolder: string): void {
  if (existsSync(join(dataFolder, RESTORE_STAGING))) {
    throw new GatewayError('folderUnusable', `a restore into ${dataFolder} was interrupted`, {
      hint: 'run "gate restore --replace" with the same file again',
    });
  }
  if (existsSync(join(dataFolder, ERASING))) {
    throw new GatewayError('folderUnusable', `a factory reset of ${dataFolder} was interrupted`, {
      hint: 'run "gate factory-reset" again',
    });
  }
}
