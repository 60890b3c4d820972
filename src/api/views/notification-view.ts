/** A notification in the documented form (dojot, "Retrieving notifications"). Pure. */
import * as v from 'valibot';
import { NOTIFICATION_LEVELS, type Notification } from '../../model/notification.ts';
import { isoDateTime, text } from '../schemas.ts';

export const notificationSchema = v.object({
  msgID: v.string(),
  metaAttrsFilter: v.object({
    level: v.pipe(
      v.picklist(NOTIFICATION_LEVELS),
      v.description('1 critical, 2 error, 3 warning, 4 information'),
    ),
    shouldPersist: v.literal(true),
    deviceId: v.optional(text('The device it is about')),
    addon: v.optional(text('Slug of the add-on it is about')),
  }),
  message: v.string(),
  subject: text('What kind of thing was noticed: a stable name'),
  ts: isoDateTime('When it was noticed'),
});

export function notificationView({ id, ts, level, subject, message, deviceId, addon }: Notification) {
  return {
    msgID: id,
    metaAttrsFilter: {
      level,
      shouldPersist: true as const,
      ...(deviceId === undefined ? {} : { deviceId }),
      ...(addon === undefined ? {} : { addon }),
    },
    message,
    subject,
    // the document has six decimals: the clock knows the first three
    ts: new Date(ts).toISOString().replace('Z', '000Z'),
  };
}
