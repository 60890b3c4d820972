/** Schemas of the values that several query strings and headers have in common, and how they are described. */
import * as v from 'valibot';
import type { JsonObject } from '../model/json.ts';
import { TS_MAX_MS } from '../model/reading.ts';
import type { QueryParameters } from './query.ts';

const TIME = 'must be a time in whole milliseconds since 1970';

/**
 * What JSON Schema calls a text that is read as something else. Stands in a pipe before its first transformation, and
 * in the description takes the place of what stands before it.
 */
export const described = <Input>(jsonSchema: JsonObject) =>
  v.metadata<Input, { jsonSchema: JsonObject }>({ jsonSchema });

/** A whole number from `min` to `max`, in decimal digits alone. */
export const whole = (message: string, min: number, max: number, description?: string) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, message),
    described({ type: 'integer', minimum: min, maximum: max, ...(description ? { description } : {}) }),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );

export const time = (description: string) =>
  whole(TIME, 0, TS_MAX_MS, `${description}; milliseconds since 1970`);

/** For a route that hands on every parameter, whatever its name. */
export const everyParameter = v.custom<QueryParameters>((given) => given instanceof Map);
