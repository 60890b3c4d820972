/** The parameters of a history request: dojot's, and `interval`. Pure. */
import * as v from 'valibot';
import { HISTORY_VALUES_MAX, type HistoryRequest, type HistoryValuesRequest } from '../model/history.ts';
import { parseInterval } from '../model/interval.ts';
import { parseIsoTime } from './iso-time.ts';
import { described, whole } from './query-values.ts';

/** Most attributes named in one request. */
const NAMES_MAX = 100;

const COUNT = `must be a whole number from 1 to ${HISTORY_VALUES_MAX}`;
const TIME = 'must be an ISO 8601 time such as 2018-06-05T18:00:00Z';
const NAMES = `must be 1 to ${NAMES_MAX} attribute names, separated by commas`;
const INTERVAL = 'must be a whole number and a unit (s, m, h or d) from 1s to 366d, such as 5m';

const count = (which: string) =>
  whole(COUNT, 1, HISTORY_VALUES_MAX, `So many of the ${which} values of each attribute`);
const time = v.pipe(
  v.string(),
  described({
    type: 'string',
    examples: ['2018-06-05T18:00:00Z'],
    description: 'ISO 8601: a date, or a date and time with up to nine decimals and any zone; inclusive',
  }),
  v.transform(parseIsoTime),
  v.custom<NonNullable<ReturnType<typeof parseIsoTime>>>((parsed) => parsed !== undefined, TIME),
);
// readings are kept by the millisecond: a bound within one leaves out, or takes in, the whole of it
const dateFrom = v.pipe(
  time,
  v.transform(({ ms, exact }) => (exact ? ms : ms + 1)),
);
const dateTo = v.pipe(
  time,
  v.transform(({ ms }) => ms),
);
const names = v.pipe(
  v.string(),
  v.description(`Attributes, or dotted paths below one, separated by commas; ${NAMES_MAX} at most`),
  v.transform((text) => [...new Set(text.split(','))]),
  v.check((list) => list.length <= NAMES_MAX && !list.includes(''), NAMES),
);
const interval = v.pipe(
  v.string(),
  described({
    type: 'string',
    pattern: '^[0-9]{1,8}[smhd]$',
    examples: ['5m'],
    description: 'Statistics of numbers for each interval, 1s to 366d, in place of values',
  }),
  v.transform(parseInterval),
  v.custom<number>((parsed) => parsed !== undefined, INTERVAL),
);

const entries = {
  attr: v.optional(names),
  firstN: v.optional(count('oldest')),
  lastN: v.optional(count('newest')),
  dateFrom: v.optional(dateFrom),
  dateTo: v.optional(dateTo),
  interval: v.optional(interval),
};
type Parsed = v.InferOutput<v.ObjectSchema<typeof entries, undefined>>;
/** Fails naming each parameter that is wrong and what it may be. */
export const historyQuery = v.pipe(
  v.object(entries),
  v.forward(
    v.check(
      ({ firstN, lastN }: Parsed) => firstN === undefined || lastN === undefined,
      'may not be given together with "lastN"',
    ),
    ['firstN'],
  ),
  v.forward(
    v.check(
      ({ firstN, lastN, interval }: Parsed) =>
        interval === undefined || (firstN === undefined && lastN === undefined),
      'may not be given together with "firstN" or "lastN"',
    ),
    ['interval'],
  ),
  v.forward(
    v.check(
      ({ dateFrom, dateTo }: Parsed) => dateFrom === undefined || dateTo === undefined || dateFrom <= dateTo,
      'must not be later than "dateTo"',
    ),
    ['dateFrom'],
  ),
);

export interface HistoryParameters {
  range: Omit<HistoryRequest, 'root' | 'signal'>;
  pick: HistoryValuesRequest['pick'];
  intervalMs: number | undefined;
}

export function historyParameters(deviceId: string, query: Parsed): HistoryParameters {
  return {
    range: { deviceId, attributes: query.attr, fromMs: query.dateFrom, toMs: query.dateTo },
    pick: pickOf(query),
    intervalMs: query.interval,
  };
}

function pickOf({ firstN, lastN }: Parsed): HistoryValuesRequest['pick'] {
  if (firstN !== undefined) return { end: 'first', count: firstN };
  return lastN === undefined ? undefined : { end: 'last', count: lastN };
}
