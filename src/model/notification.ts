/** A notification: what the gateway itself noticed and a person should know. */
import * as v from 'valibot';

/**
 * 1 critical: the gateway cannot do its work. 2 error: a part of it has failed. 3 warning: somebody should look
 * after it. 4 information: nothing to do.
 */
export const NOTIFICATION_LEVELS = [1, 2, 3, 4] as const;

export const notificationSchema = v.object({
  /** UUID. */
  id: v.string(),
  /** Milliseconds since 1970. */
  ts: v.number(),
  level: v.picklist(NOTIFICATION_LEVELS),
  /** What kind of thing was noticed: a stable name. */
  subject: v.string(),
  message: v.string(),
  /** The device it is about. */
  deviceId: v.optional(v.string()),
  /** Slug of the add-on it is about. */
  addon: v.optional(v.string()),
});
export type Notification = v.InferOutput<typeof notificationSchema>;
