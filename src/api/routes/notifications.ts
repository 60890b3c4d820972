/** The last notifications, selected by their attributes ("Get notifications from a tenant"). */
import * as v from 'valibot';
import type { Notifications } from '../../core/notifications.ts';
import { NOTIFICATION_LEVELS, type Notification } from '../../model/notification.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { notificationView } from '../notification-view.ts';
import { parseQuery, type QueryParameters, singleValues } from '../query.ts';
import { whole } from '../query-values.ts';
import { type ApiRouter, guarded } from './router.ts';

/** The document's number. */
const LAST = 10;
const LOWEST_LEVEL = NOTIFICATION_LEVELS.length;

const entries = {
  msgID: v.optional(v.string()),
  subject: v.optional(v.string()),
  message: v.optional(v.string()),
  level: v.optional(whole(`must be a level from 1 to ${LOWEST_LEVEL}`, 1, LOWEST_LEVEL)),
  shouldPersist: v.optional(
    v.pipe(
      v.picklist(['true', 'false'], 'must be true or false'),
      v.transform((text) => text === 'true'),
    ),
  ),
  deviceId: v.optional(v.string()),
  addon: v.optional(v.string()),
};
const filterSchema = v.object(entries);

/** @throws GatewayError badRequest naming each parameter that is wrong */
export function notificationFilter(parameters: QueryParameters): (notification: Notification) => boolean {
  const wanted = Object.entries(
    parseWith(filterSchema, singleValues(parameters, Object.keys(entries)), 'query'),
  );
  return (notification) => {
    const { metaAttrsFilter, ...view } = notificationView(notification);
    const attributes = new Map<string, unknown>(Object.entries({ ...view, ...metaAttrsFilter }));
    return wanted.every(([name, value]) => attributes.get(name) === value);
  };
}

export function addNotificationRoutes(
  router: ApiRouter,
  { notifications, access }: { notifications: Notifications; access: Access },
): void {
  router.get('/history/notifications/history', guarded(access, 'read'), (context) => {
    const matches = notificationFilter(parseQuery(context.querystring));
    context.body = { notifications: notifications.last(LAST, matches).map(notificationView) };
  });
}
