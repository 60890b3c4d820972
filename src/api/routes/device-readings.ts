/** What a device has sent: one page of its readings ("OP: Get data for a specific device"). */
import * as v from 'valibot';
import type { Readings } from '../../core/readings.ts';
import { parseWith } from '../../model/parse.ts';
import {
  READING_SORT_KEYS,
  type ReadingPageQuery,
  type ReadingSortKey,
  type StoredReading,
} from '../../model/reading.ts';
import type { Access } from '../access.ts';
import { parseQuery, type QueryParameters, singleValues } from '../query.ts';
import { time, whole } from '../query-values.ts';
import { type ApiRouter, guarded } from './router.ts';

const PER_PAGE_DEFAULT = 10;
const PER_PAGE_MAX = 100;
/** Nine digits: far past any page there can be, and still exact when multiplied. */
const PAGE_MAX = 999_999_999;

const PAGE = 'must be a whole number from 1';
const PER_PAGE = `must be a whole number from 1 to ${PER_PAGE_MAX}`;
const SORT = `must be one of ${READING_SORT_KEYS.join(', ')}, with + (ascending) or - (descending) before it`;

/** A `+` in a query string arrives as a space: both mean ascending. */
const sort = v.pipe(
  v.string(),
  v.regex(new RegExp(`^[ +-]?(${READING_SORT_KEYS.join('|')})$`), SORT),
  v.transform((text) => ({
    sortKey: text.replace(/^[ +-]/, '') as ReadingSortKey,
    descending: text.startsWith('-'),
  })),
);

const entries = {
  start: v.optional(time),
  end: v.optional(time),
  page: v.optional(whole(PAGE, 1, PAGE_MAX), '1'),
  perPage: v.optional(whole(PER_PAGE, 1, PER_PAGE_MAX), String(PER_PAGE_DEFAULT)),
  sort: v.optional(sort, 'ts'),
};
const pageQuery = v.pipe(
  v.object(entries),
  v.forward(
    v.check(
      ({ start, end }) => start === undefined || end === undefined || start <= end,
      'must not be later than "end"',
    ),
    ['start'],
  ),
);

/** @throws GatewayError badRequest naming each parameter that is wrong and what it may be */
export function readingPageQuery(deviceId: string, parameters: QueryParameters): ReadingPageQuery {
  const { sort, ...range } = parseWith(pageQuery, singleValues(parameters, Object.keys(entries)), 'query');
  return { deviceId, ...range, ...sort };
}

/** In the documented order of keys. */
export function readingView({ _id, data, deviceId, ts }: StoredReading) {
  return { _id, data, deviceId, ts: new Date(ts).toISOString() };
}

export function addDeviceReadingRoutes(
  router: ApiRouter,
  { readings, access }: { readings: Readings; access: Access },
): void {
  router.get('/device/v1/devices/:deviceId/data', guarded(access, 'read'), (context) => {
    const query = readingPageQuery(context.params['deviceId'] as string, parseQuery(context.querystring));
    const { data, totalItems } = readings.page(query);
    context.body = { data: data.map(readingView), totalItems };
  });
}
