/** A protocol as the registry keeps it: an add-on that is installed, with its parameters. */
import * as v from 'valibot';
import { secretHashSchema } from './client.ts';
import { jsonObjectSchema } from './device.ts';

export const installedProtocolSchema = v.object({
  slug: v.string(),
  parameters: jsonObjectSchema,
  /** Milliseconds since 1970. */
  installedAt: v.number(),
  /** The login of an add-on that somebody else starts; without it none is admitted. */
  login: v.optional(secretHashSchema),
});
export type InstalledProtocol = v.InferOutput<typeof installedProtocolSchema>;
