/** Schemas that the answers of several routes have in common. */
import * as v from 'valibot';

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
