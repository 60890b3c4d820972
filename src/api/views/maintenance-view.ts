/** How backups, their return and updates stand, as the API shows and the event `maintenance` tells it. */
import * as v from 'valibot';
import { BACKUP_STATES, RESTORE_STATES, UPDATE_STATES } from '../../core/upkeep/maintenance-views.ts';
import { reasonSchema } from '../../model/device.ts';
import { whole } from '../query-values.ts';
import { text, timestamp } from '../schemas.ts';

export const MAINTENANCE = '/maintenance/v1';
const OFFSET = 'must be a whole number of bytes';
/** Where a piece of a file begins. */
export const pieceQuery = v.object({
  offset: v.optional(whole(OFFSET, 0, 2 ** 43, 'Where this piece begins; 0 begins anew'), '0'),
});
/** How much of a file there is now. */
export const receivedSchema = v.object({
  bytes: v.pipe(v.number(), v.integer(), v.description('How many have come: the next piece begins there')),
});

const bytes = (description: string) =>
  v.optional(v.pipe(v.number(), v.integer(), v.description(description)));
const progress = {
  phase: v.optional(text('What is done just now')),
  bytes: bytes('How many are done, or how large it is'),
  totalBytes: bytes('Of how many'),
};
const files = v.optional(v.pipe(v.number(), v.integer(), v.description('How many there are in it')));
const readings = v.optional(v.pipe(v.boolean(), v.description('Whether the readings are in it')));
const reason = v.optional(v.pipe(reasonSchema, v.description('Why it failed')));

export const backupViewSchema = v.object({
  state: v.picklist(BACKUP_STATES),
  ...progress,
  readings,
  files,
  ts: v.optional(timestamp('When it began, was taken or failed')),
  reason,
});
export const restoreViewSchema = v.object({
  state: v.picklist(RESTORE_STATES),
  ...progress,
  version: v.optional(text('Of the gate that made the backup')),
  takenAt: v.optional(timestamp('When the backup was taken')),
  readings,
  files,
  ts: v.optional(timestamp('When it was put in place, or failed')),
  aside: v.optional(
    text('The folder with what was there before, in the data folder and in that of the settings'),
  ),
  reason,
});
export const updateViewSchema = v.object({
  state: v.picklist(UPDATE_STATES),
  ...progress,
  to: v.optional(text('The release that is wanted, where it is known')),
  reason,
  last: v.optional(
    v.pipe(
      v.object({
        from: v.string(),
        version: text('The release that was asked for; empty where it never came to be known'),
        failure: v.optional(text('Why it does not run')),
        ts: timestamp('When it ended'),
      }),
      v.description('How the last one ended'),
    ),
  ),
});

/** The payload of `maintenance`. */
export const maintenanceEventSchema = v.variant('of', [
  v.object({ of: v.literal('backup'), ...backupViewSchema.entries }),
  v.object({ of: v.literal('restore'), ...restoreViewSchema.entries }),
  v.object({ of: v.literal('update'), ...updateViewSchema.entries }),
]);
