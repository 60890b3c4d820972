/** The history of a device's attributes, in dojot's form; (+) by interval, and as CSV. */
import type { ParameterizedContext } from 'koa';
import type { DeviceHistory, History } from '../../core/history.ts';
import type { HistoryBucket, HistoryValue } from '../../model/history.ts';
import type { Access } from '../access.ts';
import { CSV_TYPE, JSON_TYPE } from '../answer-types.ts';
import { type HistoryParameters, historyParameters } from '../history-parameters.ts';
import {
  BUCKET_COLUMNS,
  bucketEntries,
  bucketRows,
  type EntryWriter,
  historyCsv,
  historyJson,
  VALUE_COLUMNS,
  valueEntries,
  valueRows,
} from '../history-view.ts';
import { isoMicrosecondsWriter } from '../iso-time.ts';
import { piecedBody } from '../pieced-body.ts';
import { parseQuery } from '../query.ts';
import { type ApiRouter, type ApiState, guarded } from './router.ts';

type Context = ParameterizedContext<ApiState>;

/** Word for word, also in what they lack: these two are not in the form of all other errors. */
const MISSING = {
  device: { title: 'Device not found', description: 'No data for the given device could be found' },
  attribute: { title: 'Attr not found', description: 'No data for the given attribute could be found' },
};

/** How one kind of entry is shown. */
interface Form<Entry> {
  json: EntryWriter<Entry>;
  csv: EntryWriter<Entry>;
  columns: readonly string[];
}

export function addHistoryRoutes(
  router: ApiRouter,
  { history, access }: { history: History; access: Access },
): void {
  router.get('/history/device/:deviceId/history', guarded(access, 'read'), async (context) => {
    const deviceId = context.params['deviceId'] as string;
    const parameters = historyParameters(deviceId, parseQuery(context.querystring));
    const { range, pick, intervalMs } = parameters;
    const request = { ...range, signal: goneSignal(context) };
    if (intervalMs === undefined) {
      const found = await history.values({ ...request, pick });
      await answer(context, { parameters, found, form: valueForm(deviceId, found) });
    } else {
      const found = await history.buckets({ ...request, intervalMs });
      await answer(context, { parameters, found, form: bucketForm(deviceId) });
    }
  });
}

function valueForm(deviceId: string, { protocol }: { protocol: string }): Form<HistoryValue> {
  return {
    json: valueEntries({ deviceId, protocol }),
    csv: valueRows({ deviceId }),
    columns: VALUE_COLUMNS,
  };
}

function bucketForm(deviceId: string): Form<HistoryBucket> {
  return { json: bucketEntries({ deviceId }), csv: bucketRows({ deviceId }), columns: BUCKET_COLUMNS };
}

async function answer<Entry>(
  context: Context,
  {
    parameters,
    found,
    form,
  }: { parameters: HistoryParameters; found: DeviceHistory<Entry>; form: Form<Entry> },
): Promise<void> {
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
function goneSignal(context: Context): AbortSignal {
  const gone = new AbortController();
  context.res.once('close', () => gone.abort());
  return gone.signal;
}
