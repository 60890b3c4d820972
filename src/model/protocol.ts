/** A protocol as the registry keeps it: an add-on that is installed, with its parameters. */
import * as v from 'valibot';
import { jsonObjectSchema } from './device.ts';

export const installedProtocolSchema = v.object({
  slug: v.string(),
  parameters: jsonObjectSchema,
  /** Milliseconds since 1970. */
  installedAt: v.number(),
});
export type InstalledProtocol = v.InferOutput<typeof installedProtocolSchema>;
