/**
 * `addon.json`: what an add-on says of itself (docs/specs/addon-contract.md, "Manifest"). Lies in the add-on's
 * folder: one of ours below `addons/`, a foreign one below `DATA_FOLDER/addons/<slug>`.
 */
import * as v from 'valibot';
import { jsonObjectSchema } from '../model/device.ts';
import { deviceTypeSchema, sharedTypeSchema } from '../model/device-type.ts';

/** A slug names the add-on in topics, folders, the API and its MQTT login. */
export const SLUG = /^[a-z][a-z0-9-]{0,31}$/;

/** Relative path below the add-on's folder: no `..`, not absolute. */
const innerPath = v.pipe(
  v.string(),
  v.regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[\w./-]+$/, 'must be a path inside the add-on folder'),
);

export const manifestSchema = v.object({
  /** Id of the protocol in the API. */
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
  slug: v.pipe(v.string(), v.regex(SLUG, 'must be 1 to 32 lower-case letters, digits and hyphens')),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  description: v.optional(v.string(), ''),
  contract: v.number(),
  version: v.string(),
  /** Installed at the first start: the add-on needs no hardware and no parameters. */
  preinstalled: v.optional(v.boolean(), false),
  /** JSON Schema of the protocol's own parameters. */
  parameters: v.optional(jsonObjectSchema, { type: 'object' }),
  /** The device types it speaks to: a list, or a file with that list; `defaults` are what its types share. */
  types: v.optional(
    v.union([
      v.array(deviceTypeSchema),
      v.object({ file: innerPath, defaults: v.optional(sharedTypeSchema, {}) }),
    ]),
    [],
  ),
  runtime: v.object({
    /** Entry module, run by the daemon's own Node as a child process. `memoryMb` bounds its JavaScript heap. */
    process: v.optional(
      v.object({
        entry: innerPath,
        memoryMb: v.optional(v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(4096)), 128),
      }),
    ),
    container: v.optional(v.looseObject({ image: v.string() })),
    external: v.optional(v.object({})),
  }),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;
