/** The history of a device's attributes, in dojot's form; (+) by interval, and as CSV. */
import * as v from 'valibot';
import { type DeviceHistory, type History, LATEST_VALUE_MAX_CHARS } from '../../core/history.ts';
import { jsonValueSchema } from '../../model/device.ts';
import type { HistoryBucket, HistoryValues } from '../../model/history.ts';
import { type HistoryParameters, historyParameters, historyQuery } from '../history-parameters.ts';
import { isoMicrosecondsWriter } from '../iso-time.ts';
import { piecedBody } from '../pieced-body.ts';
import { clockSchema, isoDateTime, text } from '../schemas.ts';
import {
  BUCKET_COLUMNS,
  bucketEntries,
  bucketRows,
  type EntriesWriter,
  historyCsv,
  historyJson,
  historySchema,
  VALUE_COLUMNS,
  valueEntries,
  valueRows,
} from '../views/history-view.ts';
import { type ApiContext, JSON_TYPE } from './route.ts';
import type { Routes } from './router.ts';

const CSV_TYPE = 'text/csv';

/** Word for word, also in what they lack: these two are not in the form of all other errors. */
const MISSING = {
  device: { title: 'Device not found', description: 'No data for the given device could be found' },
  attribute: { title: 'Attr not found', description: 'No data for the given attribute could be found' },
} as const;
const missingSchema = v.object({
  title: v.picklist(Object.values(MISSING).map(({ title }) => title)),
  description: v.picklist(Object.values(MISSING).map(({ description }) => description)),
});

/** How one kind of entries is shown. */
interface Form<Entries> {
  json: EntriesWriter<Entries>;
  csv: EntriesWriter<Entries>;
  columns: readonly string[];
}

const latestSchema = v.array(
  v.object({
    deviceId: v.string(),
    protocol: text('Slug of its protocol'),
    values: v.pipe(
      v.record(
        v.string(),
        v.object({
          value: jsonValueSchema,
          ts: isoDateTime('When it was measured'),
          clock: clockSchema,
        }),
      ),
      v.description('By attribute'),
    ),
  }),
);

export function addHistoryRoutes(routes: Routes, { history }: { history: History }): void {
  routes.add({
    method: 'GET',
    path: '/history/device/:deviceId/history',
    name: 'getHistory',
    section: 'History',
    summary: 'Retrieve data from attributes',
    description:
      'The values of attributes in dojot’s form, the newest first (with `firstN` the oldest); with `interval` statistics of each interval. At most 10,000 values of each attribute and 100,000 in all; what is left out is told by `X-Truncated`.',
    right: 'read',
    query: historyQuery,
    answers: {
      200: {
        says: 'One named attribute: an array. Several or none: an object of arrays',
        json: historySchema,
        other: { [CSV_TYPE]: v.string() },
        mayHave: ['X-Truncated'],
      },
      404: { says: 'There is no history of this device, or of this attribute', json: missingSchema },
    },
    errors: ['unavailable'],
    handle: async ({ path: { deviceId }, query, context }) => {
      const parameters = historyParameters(deviceId, query);
      const { range, pick, intervalMs } = parameters;
      const request = { ...range, signal: goneSignal(context) };
      if (intervalMs === undefined) {
        const found = await history.values({ ...request, pick });
        return answer(context, { parameters, found, form: valueForm(deviceId, found) });
      }
      const found = await history.buckets({ ...request, intervalMs });
      return answer(context, { parameters, found, form: bucketForm(deviceId) });
    },
  });

  routes.add({
    method: 'GET',
    path: '/history/latest',
    name: 'getLatestValues',
    section: 'History',
    summary: 'The newest value of each attribute of each device',
    description: `For an overview. A value of more than ${LATEST_VALUE_MAX_CHARS} characters as JSON is left out; what a device has not sent for long may be.`,
    right: 'read',
    compressed: true,
    answers: { 200: { says: 'Every device below the gateway', json: latestSchema } },
    errors: ['unavailable'],
    handle: async () => {
      const iso = isoMicrosecondsWriter();
      return (await history.latest()).map(({ values, ...device }) => ({
        ...device,
        values: Object.fromEntries(
          Object.entries(values).map(([attribute, { ts, ...rest }]) => [attribute, { ...rest, ts: iso(ts) }]),
        ),
      }));
    },
  });
}

function valueForm(deviceId: string, { protocol }: { protocol: string }): Form<HistoryValues> {
  return {
    json: valueEntries({ deviceId, protocol }),
    csv: valueRows({ deviceId }),
    columns: VALUE_COLUMNS,
  };
}

function bucketForm(deviceId: string): Form<readonly HistoryBucket[]> {
  return { json: bucketEntries({ deviceId }), csv: bucketRows({ deviceId }), columns: BUCKET_COLUMNS };
}

async function answer<Entries>(
  context: ApiContext,
  {
    parameters,
    found,
    form,
  }: { parameters: HistoryParameters; found: DeviceHistory<Entries>; form: Form<Entries> },
): Promise<undefined> {
  context.vary('Accept');
  if ('missing' in found) {
    context.status = 404;
    context.body = MISSING[found.missing];
    return;
  }
  if (found.cutAtMs !== undefined) context.set('X-Truncated', isoMicrosecondsWriter()(found.cutAtMs));
  if (context.accepts(JSON_TYPE, CSV_TYPE) === CSV_TYPE) {
    context.type = `${CSV_TYPE}; charset=utf-8; header=present`;
    context.body = await piecedBody(historyCsv(found.entries, form.csv, form.columns));
    return;
  }
  context.type = 'json';
  const shape = parameters.range.attributes?.length === 1 ? 'array' : 'object';
  context.body = await piecedBody(historyJson(found.entries, form.json, shape));
}

/** Aborts when the caller hangs up. */
function goneSignal(context: ApiContext): AbortSignal {
  const gone = new AbortController();
  context.res.once('close', () => gone.abort());
  return gone.signal;
}
