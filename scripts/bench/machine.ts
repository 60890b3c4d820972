/** What of the machine bears on the figures, and nothing else. */
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';

// linux/magic.h
const FILE_SYSTEMS = new Map([
  [0xef53, 'ext4'],
  [0x9123683e, 'btrfs'],
  [0x58465342, 'xfs'],
  [0xf2f52010, 'f2fs'],
  [0x01021994, 'tmpfs (memory: a commit costs nothing, these figures say nothing)'],
  [0x794c7630, 'overlayfs'],
]);

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  kernel: string;
  fileSystem: string;
}

export function thisMachine(): Machine {
  const kind = statfsSync(tmpdir()).type;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    kernel: `Linux ${release().match(/^\d+\.\d+/)?.[0] ?? ''}`,
    fileSystem: FILE_SYSTEMS.get(kind) ?? `unknown (0x${kind.toString(16)})`,
  };
}
