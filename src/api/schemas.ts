/** Schemas that the answers of several routes have in common. */
import * as v from 'valibot';
import { CLOCK_MARKS } from '../model/reading.ts';

export const text = (description: string) => v.pipe(v.string(), v.description(description));

/** Milliseconds since 1970. */
export const timestamp = (description: string) =>
  v.pipe(v.number(), v.integer(), v.description(`${description}; milliseconds since 1970`));

/** ISO 8601 in UTC. */
export const isoDateTime = (description: string) =>
  v.pipe(v.string(), v.isoTimestamp(), v.description(`${description}; ISO 8601`));

/** How far the image of a container has come. */
export const imageProgressSchema = v.object({
  layers: v.number(),
  layersDone: v.number(),
  bytes: v.number(),
  totalBytes: v.number(),
});

/** What answers `{}`: done. */
export const nothingSchema = v.strictObject({});

/** What a reading's time is worth. */
export const clockSchema = v.optional(
  v.pipe(
    v.picklist(CLOCK_MARKS),
    v.description(
      'Where the box had no right clock when it was measured: `unsure`, `ts` will be put right; `estimated`, `ts` is the latest that it can have been',
    ),
  ),
);
