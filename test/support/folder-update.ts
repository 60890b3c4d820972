/** The updater at work on a gateway that was installed into a folder, without systemd: what stands for it is given. */
import { dropKept, keepStore, restoreStore } from '../../src/updater/store-copy.ts';
import { UpdateRun, type UpdateRunParts } from '../../src/updater/update-run.ts';

type Given = 'installFolder' | 'dataFolder' | 'service' | 'log' | 'healthyWithinMs' | 'steadyMs';

export function folderUpdate(parts: Pick<UpdateRunParts, Given>): UpdateRun {
  const { dataFolder } = parts;
  return new UpdateRun({
    ...parts,
    architecture: process.arch,
    storeCopies: {
      keep: async () => keepStore(dataFolder),
      restore: async () => restoreStore(dataFolder),
      drop: async () => dropKept(dataFolder),
    },
    now: () => Date.now(),
    freeBytes: () => Number.MAX_SAFE_INTEGER,
  });
}
