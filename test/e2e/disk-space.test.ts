/** A disk that runs full, as the daemon tells of it: on a small file system that it alone sees. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const SIZE_MB = 64;
/** Of what is left then less than 10 %. */
const TAKEN_MB = 59;
/** Mounts a file system at its first word, fills it, and becomes the rest. */
const MOUNT = `mount -t tmpfs -o size=${SIZE_MB}m,mode=0700 gate-test "$0" && dd if=/dev/zero of="$0/ballast" bs=1M count=${TAKEN_MB} status=none && exec "$@"`;

interface Health {
  status: string;
  parts: Record<string, { state: string; reason?: string; freeBytes?: number; totalBytes?: number }>;
}
interface Told {
  notifications: { message: string; metaAttrsFilter: { level: number } }[];
}

/** Why it cannot be tried here; undefined where it can. */
function obstacle(): string | undefined {
  const { status } = spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=1m gate-test /mnt']);
  return status === 0 ? undefined : 'a file system of its own needs root: unshare -m and mount';
}

describe('a disk that is nearly full', () => {
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon | undefined;
  beforeEach(function () {
    const reason = obstacle();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    folder = tempFolder();
  });
  afterEach(async () => {
    await daemon?.stop();
    daemon = undefined;
    folder?.remove();
  });

  it('is told in health and as a notification, and readings are still taken', async () => {
    const within = ['unshare', '-m', 'sh', '-c', MOUNT, folder.path];
    daemon = await Daemon.start({ dataFolder: folder.path, within });
    const { api } = daemon;
    const { status, parts } = await until('it is told', async () => {
      const health = await api.get<Health>('/health/ready');
      return health.parts['storage']?.state === 'degraded' && health;
    });
    assert.equal(status, 'degraded');
    const { reason, freeBytes = 0, totalBytes } = parts['storage'] ?? {};
    assert.match(
      String(reason),
      /^the disk is nearly full: [\d.]+ of 67 MB are left for .*lower RETENTION_MB$/,
    );
    assert.equal(totalBytes, SIZE_MB * 1024 * 1024);
    assert.ok(freeBytes > 0 && freeBytes < 0.1 * SIZE_MB * 1024 * 1024, String(freeBytes));

    const { notifications } = await api.get<Told>('/history/notifications/history?subject=disk_space');
    assert.deepEqual(
      notifications.map(({ message, metaAttrsFilter }) => [message, metaAttrsFilter.level]),
      [[reason, 2]],
    );

    const device = { name: 'demo', isVirtual: true, demoActive: true, frequency: 30 };
    const { id } = await api.send<{ id: string }>('POST', '/device/v1/devices', device);
    await until('a reading is stored', async () => {
      const page = await api.get<{ totalItems: number }>(`/device/v1/devices/${id}/data`);
      return page.totalItems > 0;
    });
    assert.equal((await api.get<Health>('/health/ready')).parts['store']?.state, 'running');
  });
});
