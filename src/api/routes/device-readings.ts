/** What a device has sent: one page of its readings ("OP: Get data for a specific device"). */
import * as v from 'valibot';
import type { Readings } from '../../core/readings.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import { READING_SORT_KEYS, type ReadingSortKey, type StoredReading } from '../../model/reading.ts';
import { time, whole } from '../query-values.ts';
import { clockSchema, isoDateTime } from '../schemas.ts';
import type { Routes } from './router.ts';

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
  v.description('The key to sort by, with + (ascending) or - (descending) before it'),
  v.transform((text) => ({
    sortKey: text.replace(/^[ +-]/, '') as ReadingSortKey,
    descending: text.startsWith('-'),
  })),
);

export const readingPageQuery = v.pipe(
  v.object({
    start: v.optional(time('First moment, inclusive')),
    end: v.optional(time('Last moment, inclusive')),
    page: v.optional(whole(PAGE, 1, PAGE_MAX, 'From 1'), '1'),
    perPage: v.optional(whole(PER_PAGE, 1, PER_PAGE_MAX, 'Readings on one page'), String(PER_PAGE_DEFAULT)),
    sort: v.optional(sort, 'ts'),
  }),
  v.forward(
    v.check(
      ({ start, end }) => start === undefined || end === undefined || start <= end,
      'must not be later than "end"',
    ),
    ['start'],
  ),
  v.transform(({ sort, ...range }) => ({ ...range, ...sort })),
);

export const readingSchema = v.object({
  _id: v.pipe(v.string(), v.description('Unique on this gateway, growing with the order of storing')),
  data: jsonObjectSchema,
  deviceId: v.string(),
  ts: isoDateTime('When it was measured'),
  clock: clockSchema,
});
const readingPageSchema = v.object({
  data: v.array(readingSchema),
  totalItems: v.pipe(v.number(), v.integer(), v.description('Readings on all pages together')),
});

/** In the documented order of keys. */
export function readingView({ _id, data, deviceId, ts, clock }: StoredReading) {
  return { _id, data, deviceId, ts: new Date(ts).toISOString(), ...(clock === undefined ? {} : { clock }) };
}

export function addDeviceReadingRoutes(routes: Routes, { readings }: { readings: Readings }): void {
  routes.add({
    method: 'GET',
    path: '/device/v1/devices/:deviceId/data',
    name: 'getReadings',
    section: 'Readings',
    summary: 'Get data for a specific device',
    description: 'One page of what the device has sent. By default the oldest reading is first.',
    right: 'read',
    query: readingPageQuery,
    answers: { 200: { says: 'One page', json: readingPageSchema } },
    errors: ['notFound', 'unavailable'],
    handle: ({ path, query }) => {
      const { data, totalItems } = readings.page({ deviceId: path.deviceId, ...query });
      return { data: data.map(readingView), totalItems };
    },
  });
}
