/** A protocol as the registry keeps it: an add-on that is installed, with its parameters. */
import * as v from 'valibot';
import { secretHashSchema } from './client.ts';
import { jsonObjectSchema } from './device.ts';

/** An image, held to its content: a name may mean something else tomorrow. */
export const pinnedImageSchema = v.object({
  /** As it was asked for: `instathings/gate-addon-knx:0.1.0`. */
  name: v.string(),
  /** The engine's own id of it: `sha256:…`. */
  id: v.string(),
  /** Under which the registry has it: `instathings/gate-addon-knx@sha256:…`. An image that was made here has none. */
  digest: v.optional(v.string()),
});
export type PinnedImage = v.InferOutput<typeof pinnedImageSchema>;

/** The images of an add-on that is installed as a container. */
export const installedContainerSchema = v.object({
  /** That runs, or ran well. */
  image: pinnedImageSchema,
  /** That is tried in its place just now; its container is kept meanwhile. */
  candidate: v.optional(pinnedImageSchema),
  /** That ran before, kept for a way back by hand. */
  previous: v.optional(pinnedImageSchema),
  /** No longer needed, and perhaps not deleted yet. */
  stale: v.optional(v.array(pinnedImageSchema)),
});
export type InstalledContainer = v.InferOutput<typeof installedContainerSchema>;

export const installedProtocolSchema = v.object({
  slug: v.string(),
  parameters: jsonObjectSchema,
  /** Milliseconds since 1970. */
  installedAt: v.number(),
  /** The login of an add-on that somebody else starts; without it none is admitted. */
  login: v.optional(secretHashSchema),
  /** Where it runs as a container; without it, as a process. Decided at its installation, for its data lie there. */
  container: v.optional(installedContainerSchema),
});
export type InstalledProtocol = v.InferOutput<typeof installedProtocolSchema>;
