/** A notification in the documented form (dojot, "Retrieving notifications"). Pure. */
import type { Notification } from '../model/notification.ts';

export function notificationView({ id, ts, level, subject, message, deviceId, addon }: Notification) {
  return {
    msgID: id,
    metaAttrsFilter: {
      level,
      shouldPersist: true,
      ...(deviceId === undefined ? {} : { deviceId }),
      ...(addon === undefined ? {} : { addon }),
    },
    message,
    subject,
    // the document has six decimals: the clock knows the first three
    ts: new Date(ts).toISOString().replace('Z', '000Z'),
  };
}
