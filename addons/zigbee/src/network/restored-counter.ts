/**
 * Each frame has a number, and a device throws away what has one that it has heard already (Zigbee, 4.3.1.2). A stick that
 * is given a backup goes on with the number of the day on which that was made: the devices have heard later ones since, and
 * would be deaf to it. The library goes 2,500 ahead with Z-Stack and nothing with EmberZNet; here it is a million, what a
 * stick sends in a day at twelve frames a second. There are four thousand times as many numbers.
 */
import { createRequire } from 'node:module';

const AHEAD = 1 << 20;
const LAST_NUMBER = 0xffff_ffff;

interface StoredBackup {
  networkKeyInfo: { frameCounter: number };
}
interface BackupReader {
  getStoredBackup(): StoredBackup | undefined;
}
const AHEAD_ALREADY = Symbol('ahead already');

/** Once in a process; a second call changes nothing. @throws Error when the library is not the version this is for */
export function goOnAheadOfBackups(adapter: 'zstack' | 'ember'): void {
  const require = createRequire(import.meta.url);
  goOnAhead(
    adapter === 'ember'
      ? require('zigbee-herdsman/dist/adapter/ember/adapter/emberAdapter.js').EmberAdapter.prototype
      : require('zigbee-herdsman/dist/adapter/z-stack/adapter/adapter-backup.js').AdapterBackup.prototype,
  );
}

function goOnAhead(prototype: BackupReader & { [AHEAD_ALREADY]?: true }): void {
  if (prototype[AHEAD_ALREADY]) return;
  const read = prototype.getStoredBackup;
  if (typeof read !== 'function') throw new Error('zigbee-herdsman reads its backups elsewhere now');
  prototype[AHEAD_ALREADY] = true;
  prototype.getStoredBackup = function ahead(this: BackupReader) {
    const backup = read.call(this);
    if (!backup) return undefined;
    const { networkKeyInfo } = backup;
    const frameCounter = Math.min(LAST_NUMBER, networkKeyInfo.frameCounter + AHEAD);
    return { ...backup, networkKeyInfo: { ...networkKeyInfo, frameCounter } };
  };
}
