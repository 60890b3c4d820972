/** What a stick holds, as the text of a file: the Open Coordinator Backup format, as the library writes it. */
import { createRequire } from 'node:module';

/** As the library reads it from a stick: keys are in it. */
export interface CoordinatorBackup {
  coordinatorIeeeAddress: Buffer;
  devices: readonly unknown[];
}

export function backupText(backup: CoordinatorBackup): string {
  const require = createRequire(import.meta.url);
  return `${JSON.stringify(require('zigbee-herdsman/dist/utils/backup.js').toUnifiedBackup(backup), null, 2)}\n`;
}
