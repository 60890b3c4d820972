/** Schemas of the values that several query strings have in common. */
import * as v from 'valibot';
import { TS_MAX_MS } from '../model/reading.ts';

const TIME = 'must be a time in whole milliseconds since 1970';

/** A whole number from `min` to `max`, in decimal digits alone. */
export const whole = (message: string, min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );

export const time = whole(TIME, 0, TS_MAX_MS);
