/** The last log lines of the gateway or of one add-on ("Get device logs"). */
import * as v from 'valibot';
import type { Logs } from '../../core/logs.ts';
import { time } from '../query-values.ts';
import { timestamp } from '../schemas.ts';
import type { Routes } from './router.ts';

export const logQuery = v.pipe(
  v.object({
    start: v.optional(time('First moment, inclusive; only together with "end"')),
    end: v.optional(time('Last moment, inclusive; only together with "start"')),
  }),
  v.forward(
    v.check(
      ({ start, end }) => end === undefined || start !== undefined,
      'must be given together with "end"',
    ),
    ['start'],
  ),
  v.forward(
    v.check(
      ({ start, end }) => start === undefined || end !== undefined,
      'must be given together with "start"',
    ),
    ['end'],
  ),
  v.forward(
    v.check(
      ({ start, end }) => start === undefined || end === undefined || start <= end,
      'must not be later than "end"',
    ),
    ['start'],
  ),
);
export const logLineSchema = v.object({
  timestamp: timestamp('When it was written'),
  type: v.picklist(['LOG', 'ERR']),
  message: v.string(),
  level: v.optional(v.pipe(v.string(), v.description('How serious it is, where its program says so'))),
  ingestionTime: timestamp('When it came in'),
});

export function addLogRoutes(routes: Routes, { logs }: { logs: Logs }): void {
  routes.add({
    method: 'GET',
    path: '/device/v1/devices/:deviceId/:containerId/logs',
    name: 'getLogs',
    section: 'Logs',
    summary: 'Get device logs',
    description:
      'The last lines of one program, oldest first. `deviceId` is the gateway’s; `containerId` is `gate`, the gateway itself, or the slug of an add-on.',
    // logs may tell more than readings: who may only read does not see them
    right: 'administer',
    query: logQuery,
    answers: { 200: { says: 'The lines', json: v.array(logLineSchema) } },
    errors: ['notFound'],
    handle: ({ path, query }) =>
      logs
        .read(path.deviceId, path.containerId, query)
        .map(({ timestamp, type, message, level, ingestionTime }) => ({
          timestamp,
          type,
          message,
          ...(level === undefined ? {} : { level }),
          ingestionTime,
        })),
  });
}
