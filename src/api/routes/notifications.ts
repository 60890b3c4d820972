/** The last notifications, selected by their attributes ("Get notifications from a tenant"). */
import * as v from 'valibot';
import type { Notifications } from '../../core/notifications/notifications.ts';
import { NOTIFICATION_LEVELS, type Notification } from '../../model/notification.ts';
import { described, whole } from '../query-values.ts';
import { text } from '../schemas.ts';
import { notificationSchema, notificationView } from '../views/notification-view.ts';
import type { Routes } from './router.ts';

/** The document's number. */
const LAST = 10;
const LOWEST_LEVEL = NOTIFICATION_LEVELS.length;

export const notificationQuery = v.object({
  msgID: v.optional(text('Its id')),
  subject: v.optional(text('What kind of thing was noticed')),
  message: v.optional(v.string()),
  level: v.optional(whole(`must be a level from 1 to ${LOWEST_LEVEL}`, 1, LOWEST_LEVEL)),
  shouldPersist: v.optional(
    v.pipe(
      v.picklist(['true', 'false'], 'must be true or false'),
      described({ type: 'boolean' }),
      v.transform((text) => text === 'true'),
    ),
  ),
  deviceId: v.optional(text('The device it is about')),
  addon: v.optional(text('Slug of the add-on it is about')),
});

/** Whether a notification has every attribute that was asked for. */
export function notificationFilter(
  query: v.InferOutput<typeof notificationQuery>,
): (notification: Notification) => boolean {
  const wanted = Object.entries(query);
  return (notification) => {
    const { metaAttrsFilter, ...view } = notificationView(notification);
    const attributes = new Map<string, unknown>(Object.entries({ ...view, ...metaAttrsFilter }));
    return wanted.every(([name, value]) => attributes.get(name) === value);
  };
}

export function addNotificationRoutes(
  routes: Routes,
  { notifications }: { notifications: Notifications },
): void {
  routes.add({
    method: 'GET',
    path: '/history/notifications/history',
    name: 'getNotifications',
    section: 'Notifications',
    summary: 'Get the last 10 notifications',
    description:
      'What the gateway itself noticed, newest first. Parameters select by attribute, all together.',
    right: 'read',
    query: notificationQuery,
    answers: {
      200: { says: 'The notifications', json: v.object({ notifications: v.array(notificationSchema) }) },
    },
    handle: ({ query }) => ({
      notifications: notifications.last(LAST, notificationFilter(query)).map(notificationView),
    }),
  });
}
