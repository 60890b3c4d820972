/** A device type: one entry of the catalogue at `/types`, in the published shape and order of keys. */
import * as v from 'valibot';
import { jsonObjectSchema } from './device.ts';

export const deviceTypeSchema = v.object({
  /** Package name of the add-on that speaks to devices of this type. */
  addOn: v.optional(v.string()),
  description: v.string(),
  /** What a virtual device of this type generates (`onoff`, `temperature`, …). */
  fakeSampleLabel: v.optional(v.string()),
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  manufacturer: v.string(),
  model: v.string(),
  pairingMethods: v.optional(v.array(v.string()), []),
  physicalParameter: v.optional(v.array(v.string()), []),
  protocols: v.optional(v.array(v.string()), []),
  rooms: v.optional(v.array(v.string()), []),
  space: v.optional(v.array(v.string()), []),
  type: v.optional(v.string(), 'sensor'),
  /** Names of what its devices measure and can be told, as they stand in readings and commands. */
  features: v.optional(v.array(v.string())),
  /**
   * JSON Schema of the values that its devices can be told, an entry of `properties` each; for those that read it: the
   * add-on is who refuses. Its own keywords: `unit`, `step`, `on` and `off` of a switch, `category`.
   */
  settable: v.optional(jsonObjectSchema),
  /** JSON Schema of the parameters that a device of this type is created with. */
  parameters: v.optional(jsonObjectSchema),
});
export type DeviceType = v.InferOutput<typeof deviceTypeSchema>;

/** What the types of one file have in common: each takes these where it says nothing of its own. */
export const sharedTypeSchema = v.object({
  addOn: v.optional(v.string()),
  parameters: v.optional(jsonObjectSchema),
});
export type SharedType = v.InferOutput<typeof sharedTypeSchema>;

/** An entry of a file of what types can be told: one schema for all types that have it. */
export const sharedSettableSchema = v.object({
  /** Their ids. */
  types: v.array(v.string()),
  settable: jsonObjectSchema,
});
