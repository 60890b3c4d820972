import assert from 'node:assert/strict';
import { NOTIFICATIONS_KEPT_MAX } from '../../../src/model/limits.ts';
import type { Notification } from '../../../src/model/notification.ts';
import { type OpenedStore, openStore } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';

function notification(n: number): Notification {
  return { id: `id-${n}`, ts: n, level: 3, subject: 'battery_low', message: 'low', deviceId: 'lamp' };
}

describe('notifications in the store', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  beforeEach(async () => {
    folder = tempFolder();
    opened = await openStore(folder.path);
  });
  afterEach(async () => {
    await opened.store.stop();
    folder.remove();
  });

  it('are there after a restart, oldest first, each once', async () => {
    await opened.store.saveNotifications([notification(1), notification(2)]);
    await opened.store.saveNotifications([notification(2), notification(3)]);
    await opened.store.stop();
    opened = await openStore(folder.path);
    assert.deepEqual(opened.store.notifications(), [notification(1), notification(2), notification(3)]);
  });

  it('are kept up to their number, the oldest deleted', async () => {
    const count = NOTIFICATIONS_KEPT_MAX;
    await opened.store.saveNotifications(Array.from({ length: count }, (_, n) => notification(n)));
    await opened.store.saveNotifications([notification(count), notification(count + 1)]);
    const kept = opened.store.notifications();
    assert.equal(kept.length, count);
    assert.deepEqual([kept[0]?.id, kept.at(-1)?.id], ['id-2', `id-${count + 1}`]);
  });
});
