/**
 * A small ext4 of its own on a loop device, whose power can be cut: the file system is shut down without flushing its
 * log (XFS_IOC_GOINGDOWN with NOLOGFLUSH, which ext4 knows as well), so that what nobody has synced is gone, and what
 * was synced has to come back by the journal. Needs root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Scope } from '../bench/scope.ts';
import { programPath, reasonToSkip } from '../peers/peers.ts';

const MB = 1_000_000;
const COMMAND_MS = 30_000;
/** An add-on whose daemon is gone has 10 s. */
const RELEASED_MS = 15_000;

export class LoopDisk {
  /** Where it is mounted. */
  readonly path: string;
  readonly #image: string;
  #isMounted = false;

  private constructor(folder: string) {
    this.path = join(folder, 'disk');
    this.#image = join(folder, 'image');
  }

  static make(scope: Scope, megabytes: number): LoopDisk {
    const disk = new LoopDisk(scope.folder());
    mkdirSync(disk.path);
    writeFileSync(disk.#image, '');
    truncateSync(disk.#image, megabytes * MB);
    // nothing kept back for root
    run('mkfs.ext4', '-q', '-F', '-m', '0', disk.#image);
    scope.defer(() => disk.unmount());
    disk.mount();
    return disk;
  }

  mount(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.path);
    this.#isMounted = true;
  }

  cutPower(): void {
    run('xfs_io', '-x', '-c', 'shutdown', this.path);
  }

  /** As a card that fails makes it: the kernel finds an error and takes no more writes. */
  becomeReadOnly(): void {
    const device = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[1] === this.path)
      ?.split(' ')[0];
    writeFileSync(`/sys/fs/ext4/${basename(device ?? '')}/trigger_fs_error`, 'npm run faults');
  }

  /** Waits for who has a file open: an add-on ends by itself once its daemon is gone. */
  async unmount(): Promise<void> {
    const endsAt = performance.now() + RELEASED_MS;
    while (this.#isMounted) {
      try {
        run('umount', this.path);
        this.#isMounted = false;
      } catch (error) {
        if (performance.now() > endsAt) throw error;
        await pause(20);
      }
    }
  }

  /** Mends what can be mended without a question. @throws where that is not all */
  check(): void {
    try {
      run('fsck.ext4', '-p', this.#image);
    } catch (error) {
      // 1: errors were corrected (fsck(8))
      if ((error as { status?: number }).status !== 1) throw error;
    }
  }
}

/** Why there can be none here; undefined where there can. */
export function loopObstacle(): string | undefined {
  const peers = reasonToSkip('xfs_io');
  if (peers !== undefined) return peers;
  if (process.getuid?.() !== 0) return 'a file system of its own needs root';
  const { status } = spawnSync('losetup', ['--find'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'there are no loop devices here';
}

function run(program: string, ...words: string[]): void {
  execFileSync(programPath(program) ?? program, words, { stdio: 'pipe', timeout: COMMAND_MS });
}
