/**
 * `addon.json`: what an add-on says of itself (docs/specs/addon-contract.md, "Manifest"). Lies in the add-on's
 * folder: one of ours below `addons/`, a foreign one below `DATA_FOLDER/addons/<slug>`.
 */
import * as v from 'valibot';
import { jsonObjectSchema } from '../model/device.ts';
import { deviceTypeSchema, sharedTypeSchema } from '../model/device-type.ts';
import { containerSchema } from './container.ts';

/** A slug names the add-on in topics, folders, the API and its MQTT login. */
export const SLUG = /^[a-z][a-z0-9-]{0,31}$/;

/** Relative path below the add-on's folder: no `..`, not absolute. */
const innerPath = v.pipe(
  v.string(),
  v.regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[\w./-]+$/, 'must be a path inside the add-on folder'),
);

/** Actions that one add-on may have. */
export const ACTIONS_MAX = 100;
/** How long an action may take where its manifest does not say, and the most that it may ask for. */
export const ACTION_TIMEOUT_SECONDS = 20;
export const ACTION_TIMEOUT_MAX_SECONDS = 600;
/** Requests of the contract itself: no action may take their names. */
export const CONTRACT_METHODS = ['pair', 'cancelPairing', 'set', 'get', 'remove', 'scan', 'backup'] as const;

const ACTION_NAME = 'an action has 1 to 64 letters, digits, "_" and "-", and begins with a letter';
const TIMEOUT = `must be a whole number of seconds from 1 to ${ACTION_TIMEOUT_MAX_SECONDS}`;
const actionName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z][\w-]{0,63}$/, ACTION_NAME),
  v.check(
    (name) => !CONTRACT_METHODS.some((method) => method === name),
    `an action cannot be called as a request of the contract: ${CONTRACT_METHODS.join(', ')}`,
  ),
);

/**
 * Something an add-on does when it is asked to, beyond what every add-on does: `POST …/actions/<name>` of the API,
 * a request whose method is the name on the wire.
 */
export const manifestActionSchema = v.object({
  /** For people, as `description`. */
  title: v.optional(v.pipe(v.string(), v.maxLength(64))),
  description: v.optional(v.pipe(v.string(), v.maxLength(1000))),
  /** JSON Schema of what it is called with; its defaults are filled in. */
  parameters: v.optional(jsonObjectSchema, { type: 'object' }),
  /** Who may call it: whoever may control devices, or administrators only. */
  scope: v.optional(v.picklist(['control', 'admin']), 'admin'),
  /** How long gate waits for its result. */
  timeoutSeconds: v.optional(
    v.pipe(
      v.number(TIMEOUT),
      v.integer(TIMEOUT),
      v.minValue(1, TIMEOUT),
      v.maxValue(ACTION_TIMEOUT_MAX_SECONDS, TIMEOUT),
    ),
    ACTION_TIMEOUT_SECONDS,
  ),
});
export type ManifestAction = v.InferOutput<typeof manifestActionSchema>;

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
  /**
   * The device types it speaks to: a list, or a file with that list; `defaults` are what its types share, `settable` is
   * a second file, with what they can be told (`sharedSettableSchema`, one a line).
   */
  types: v.optional(
    v.union([
      v.array(deviceTypeSchema),
      v.object({
        file: innerPath,
        settable: v.optional(innerPath),
        defaults: v.optional(sharedTypeSchema, {}),
      }),
    ]),
    [],
  ),
  /** What the add-on can be asked to do besides the contract's own requests, by name. */
  actions: v.optional(
    v.pipe(v.record(actionName, manifestActionSchema), v.maxEntries(ACTIONS_MAX, `at most ${ACTIONS_MAX}`)),
  ),
  runtime: v.object({
    /** Entry module, run by the daemon's own Node as a child process. `memoryMb` bounds its JavaScript heap. */
    process: v.optional(
      v.object({
        entry: innerPath,
        memoryMb: v.optional(v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(4096)), 128),
      }),
    ),
    /** Its image, run by the container engine of the box, and what it needs. */
    container: v.optional(containerSchema),
    external: v.optional(v.object({})),
  }),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;
