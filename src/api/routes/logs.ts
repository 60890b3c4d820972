/** The last log lines of the gateway or of one add-on ("Get device logs"). */
import * as v from 'valibot';
import type { LogRange, Logs } from '../../core/logs.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { parseQuery, type QueryParameters, singleValues } from '../query.ts';
import { time } from '../query-values.ts';
import { type ApiRouter, guarded } from './router.ts';

const entries = { start: v.optional(time), end: v.optional(time) };
const rangeSchema = v.pipe(
  v.object(entries),
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

/** @throws GatewayError badRequest */
export function logRange(parameters: QueryParameters): LogRange {
  return parseWith(rangeSchema, singleValues(parameters, Object.keys(entries)), 'query');
}

export function addLogRoutes(router: ApiRouter, { logs, access }: { logs: Logs; access: Access }): void {
  // logs may tell more than readings: who may only read does not see them
  router.get('/device/v1/devices/:deviceId/:containerId/logs', guarded(access, 'administer'), (context) => {
    const { deviceId, containerId } = context.params as { deviceId: string; containerId: string };
    const range = logRange(parseQuery(context.querystring));
    context.body = logs
      .read(deviceId, containerId, range)
      .map(({ timestamp, type, message, ingestionTime }) => ({ timestamp, type, message, ingestionTime }));
  });
}
