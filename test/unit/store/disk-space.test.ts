import assert from 'node:assert/strict';
import { NEARLY_FULL_MAX_BYTES } from '../../../src/model/disk-room.ts';
import { DiskSpace } from '../../../src/store/disk-space.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const MB = 1_000_000;

describe('the room that is left on the disk', () => {
  let watch: DiskSpace | undefined;
  let told: (string | undefined)[];
  let looks: number;
  afterEach(() => watch?.stop());

  /** Begins to watch a file system of this size; what it answers can be changed. */
  function watching(totalBytes: number): { freeBytes: number; broken: boolean } {
    const disk = { freeBytes: totalBytes, broken: false };
    told = [];
    looks = 0;
    watch = new DiskSpace({
      folder: '/data',
      onChange: (trouble) => told.push(trouble),
      onFigures: () => undefined,
      checkEveryMs: 1,
      statfs: async () => {
        looks += 1;
        if (disk.broken) throw new Error('EIO: i/o error');
        return { bsize: 1_000, blocks: totalBytes / 1_000, bavail: disk.freeBytes / 1_000 };
      },
    });
    watch.start();
    return disk;
  }
  /** Two looks from now on have ended. */
  const looked = (since = looks) => until('it was looked at', () => looks > since + 2);

  it('is told when it is short, with its figures, and again when there is enough', async () => {
    const disk = watching(4_000 * MB);
    await looked();
    assert.deepEqual(told, [undefined]);
    disk.freeBytes = 399 * MB;
    await looked();
    assert.equal(told.length, 2);
    assert.match(
      String(told[1]),
      /^the disk is nearly full: 399 of 4000 MB are left for \/data; .*RETENTION_MB$/,
    );
    // not enough yet, and less than there was: neither is news
    for (const freeMb of [410, 599, 3]) {
      disk.freeBytes = freeMb * MB;
      await looked();
    }
    assert.equal(told.length, 2);
    disk.freeBytes = 601 * MB;
    await looked();
    assert.equal(told.length, 3);
    assert.equal(told[2], undefined);
    disk.freeBytes = 410 * MB;
    await looked();
    assert.equal(told.length, 3);
  });

  it('is short on a large disk only below 500 MB', async () => {
    const disk = watching(1_000_000 * MB);
    disk.freeBytes = NEARLY_FULL_MAX_BYTES;
    await looked();
    assert.deepEqual(told, [undefined]);
    disk.freeBytes -= MB;
    await looked();
    assert.match(String(told[1]), /: 499 of 1000000 MB/);
  });

  it('is told to be unknown when the file system does not say', async () => {
    const disk = watching(4_000 * MB);
    await looked();
    disk.broken = true;
    await looked();
    assert.match(String(told[1]), /cannot be asked: EIO/);
    disk.broken = false;
    await looked();
    assert.equal(told[2], undefined);
  });

  it('is asked of the real file system, and no more once it is stopped', async () => {
    const folder = tempFolder();
    const figures: { freeBytes: number; totalBytes: number }[] = [];
    watch = new DiskSpace({
      folder: folder.path,
      onChange: () => undefined,
      onFigures: (found) => figures.push(found),
      checkEveryMs: 1,
    });
    watch.start();
    await until('two looks', () => figures.length >= 2);
    watch.stop();
    const [first] = figures;
    assert.ok(first && first.freeBytes > 0 && first.totalBytes >= first.freeBytes);
    const count = figures.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(figures.length, count);
    folder.remove();
  });
});
