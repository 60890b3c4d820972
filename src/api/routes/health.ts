/** Health: `live` says that the process answers, `ready` how each part does. */
import * as v from 'valibot';
import type { Health } from '../../core/health.ts';
import { PART_STATES } from '../../model/health.ts';
import type { Access } from '../access.ts';
import { text, timestamp } from '../schemas.ts';
import type { Routes } from './router.ts';

const section = 'Health';
const NOT_READY_RETRY_AFTER_SECONDS = 5;

const count = (description: string) => v.optional(v.pipe(v.number(), v.description(description)));
const partSchema = v.object({
  state: v.picklist(PART_STATES),
  reason: v.optional(v.string()),
  since: timestamp('When this state began'),
  restarts: count('How often an add-on was started again'),
  lastFailure: v.optional(text('Why it ended the last time')),
  badMessages: count('How many messages of an add-on, or of the cloud, were refused'),
  lastBadMessage: v.optional(text('What was wrong with the last of them')),
  limitedLogIns: count('How often log-ins were limited'),
  freeBytes: count('Free on the disk with the data folder'),
  totalBytes: count('Size of that disk'),
  waitingReadings: count('Of the link to the cloud: readings that have not reached it yet'),
  waitingSince: v.optional(text('When the oldest of them was stored, in ISO 8601')),
});
export const healthSchema = v.object({
  status: v.picklist(['ready', 'degraded', 'notReady']),
  parts: v.optional(
    v.pipe(
      v.record(v.string(), partSchema),
      v.description('For callers that may read; by the name of the part'),
    ),
  ),
});

export function addHealthRoutes(
  routes: Routes,
  { health, access }: { health: Health; access: Access },
): void {
  routes.add({
    method: 'GET',
    path: '/health/live',
    name: 'getLiveness',
    section,
    summary: 'Whether the process answers',
    right: 'anyone',
    answers: { 200: { says: 'It does', json: v.object({ status: v.literal('live') }) } },
    handle: () => ({ status: 'live' as const }),
  });

  routes.add({
    method: 'GET',
    path: '/health/ready',
    name: 'getReadiness',
    section,
    summary: 'How each part is doing',
    right: 'anyone',
    answers: {
      200: {
        says: 'The gateway does its work; `degraded` where something is wrong all the same',
        json: healthSchema,
      },
      503: { says: 'The gateway cannot do its work just now', json: healthSchema, headers: ['Retry-After'] },
    },
    handle: ({ context }) => {
      const { status, parts } = health.ready();
      if (status === 'notReady') {
        context.status = 503;
        context.set('Retry-After', String(NOT_READY_RETRY_AFTER_SECONDS));
      }
      return access.may(context.state.caller, 'read') ? { status, parts } : { status };
    },
  });
}
