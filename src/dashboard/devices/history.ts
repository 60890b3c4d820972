/** What is drawn of a device's past: statistics of intervals, made by the gateway, side by side in time. */
import { api, request } from '../api/client.ts';

export type Span = 'hour' | 'day' | 'week' | 'month';
export const SPANS: readonly Span[] = ['hour', 'day', 'week', 'month'];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Each gives some 120 to 180 points: more than that a screen does not show. */
const FORMS: Readonly<Record<Span, { ms: number; interval: string; intervalMs: number }>> = {
  hour: { ms: HOUR_MS, interval: '30s', intervalMs: MINUTE_MS / 2 },
  day: { ms: DAY_MS, interval: '10m', intervalMs: 10 * MINUTE_MS },
  week: { ms: 7 * DAY_MS, interval: '1h', intervalMs: HOUR_MS },
  month: { ms: 30 * DAY_MS, interval: '4h', intervalMs: 4 * HOUR_MS },
};

export const spanMs = (span: Span): number => FORMS[span].ms;
export const intervalMs = (span: Span): number => FORMS[span].intervalMs;

/** Numbers side by side: `times` in milliseconds since 1970, and of each attribute its means; null where there is none. */
export interface Series {
  times: number[];
  means: Record<string, (number | null)[]>;
  mins: Record<string, (number | null)[]>;
  maxs: Record<string, (number | null)[]>;
}

interface Bucket {
  ts: string;
  attr: string;
  min: number;
  max: number;
  mean: number;
}

/** @throws ApiError */
export async function fetchSeries(
  deviceId: string,
  attributes: readonly string[],
  span: Span,
): Promise<Series> {
  const { ms, interval } = FORMS[span];
  const now = Date.now();
  const query = {
    attr: attributes.join(','),
    interval,
    dateFrom: new Date(now - ms).toISOString(),
    dateTo: new Date(now).toISOString(),
  };
  const answer = await request(() =>
    api.GET('/history/device/{deviceId}/history', { params: { path: { deviceId }, query } }),
  );
  const byAttribute = (Array.isArray(answer) ? { [attributes[0] ?? '']: answer } : answer) as Record<
    string,
    Bucket[]
  >;
  return aligned(byAttribute, span);
}

/**
 * On one axis of time. An interval in which nothing was measured interrupts a line, if it is more than the device's own
 * pace: what reports every hour is one line all the same.
 */
function aligned(byAttribute: Readonly<Record<string, readonly Bucket[]>>, span: Span): Series {
  const instants = new Set<number>();
  for (const buckets of Object.values(byAttribute))
    for (const { ts } of buckets) instants.add(Date.parse(ts));
  const times = [...instants].sort((a, b) => a - b);
  const series: Series = { times, means: {}, mins: {}, maxs: {} };
  const at = new Map(times.map((time, index) => [time, index]));
  for (const [attribute, buckets] of Object.entries(byAttribute)) {
    const empty = () => times.map((): number | null => null);
    const [means, mins, maxs] = [empty(), empty(), empty()];
    for (const { ts, mean, min, max } of buckets) {
      const index = at.get(Date.parse(ts)) as number;
      means[index] = mean;
      mins[index] = min;
      maxs[index] = max;
    }
    series.means[attribute] = means;
    series.mins[attribute] = mins;
    series.maxs[attribute] = maxs;
  }
  return withGaps(series, Math.max(3 * intervalMs(span), 3 * middlePace(times)));
}

function middlePace(times: readonly number[]): number {
  const paces = times.slice(1).map((time, index) => time - (times[index] as number));
  paces.sort((a, b) => a - b);
  return paces[Math.floor(paces.length / 2)] ?? 0;
}

/** A point without values after each silence of more than `gapMs`. */
function withGaps(series: Series, gapMs: number): Series {
  const { times, means, mins, maxs } = series;
  for (let index = times.length - 1; index > 0; index -= 1) {
    const [before, after] = [times[index - 1] as number, times[index] as number];
    if (after - before <= gapMs) continue;
    times.splice(index, 0, before + 1);
    for (const lines of [means, mins, maxs])
      for (const line of Object.values(lines)) line.splice(index, 0, Number.NaN);
  }
  return series;
}
