/** The table of notifications, in the writer thread: the newest `NOTIFICATIONS_KEPT_MAX`, each once. */
import { NOTIFICATIONS_KEPT_MAX } from '../model/limits.ts';
import type { Notification } from '../model/notification.ts';
import { type Database, inTransaction } from './sqlite.ts';

export function saveNotifications(database: Database, notifications: readonly Notification[]): void {
  const insert = database.prepare('INSERT OR IGNORE INTO notification (id, record) VALUES (?, ?)');
  inTransaction(database, () => {
    for (const notification of notifications) insert.run(notification.id, JSON.stringify(notification));
    database
      .prepare(
        'DELETE FROM notification WHERE k <= (SELECT k FROM notification ORDER BY k DESC LIMIT 1 OFFSET ?)',
      )
      .run(NOTIFICATIONS_KEPT_MAX);
  });
}
