/**
 * Messages of the add-on contract, one schema each (docs/specs/addon-contract.md). All are JSON in UTF-8;
 * times are milliseconds since 1970. Unknown keys are kept out, so that either side may be newer.
 */
import * as v from 'valibot';
import { jsonObjectSchema, jsonValueSchema } from '../model/device.ts';
import { TS_MAX_MS } from '../model/reading.ts';

const timestamp = v.pipe(
  v.number(),
  v.integer('must be whole milliseconds'),
  v.minValue(0),
  v.maxValue(TS_MAX_MS),
);
const reasonText = v.pipe(v.string(), v.maxLength(1000));

/** `…/state`, retained, also the will: add-on → gate. `degraded` = alive, but not linked to its radio, bus or devices. */
export const stateMessage = v.object({
  state: v.picklist(['starting', 'running', 'degraded', 'stopped']),
  contract: v.number(),
  version: v.pipe(v.string(), v.maxLength(64)),
  reason: v.optional(reasonText),
});
export type StateMessage = v.InferOutput<typeof stateMessage>;

/** One device in `…/config`. `address` is what `pair` answered, null before. */
export const deviceConfig = v.object({
  id: v.string(),
  /** Id of the device's type, null for a virtual device without one. */
  type: v.nullable(v.string()),
  parameters: jsonObjectSchema,
  address: jsonValueSchema,
});
export type DeviceConfig = v.InferOutput<typeof deviceConfig>;

/** `…/config`, retained: gate → add-on, sent again whenever it changes. */
export const configMessage = v.object({
  parameters: jsonObjectSchema,
  devices: v.array(deviceConfig),
});
export type ConfigMessage = v.InferOutput<typeof configMessage>;

/** `…/devices/<deviceId>/data`, QoS 1: add-on → gate. Acknowledged once it is on disk; a repeat of `id` changes nothing. */
export const dataMessage = v.object({
  id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable ASCII characters')),
  ts: timestamp,
  data: jsonObjectSchema,
});
export type DataMessage = v.InferOutput<typeof dataMessage>;

/** `…/devices/<deviceId>/availability`: add-on → gate. */
export const availabilityMessage = v.object({ online: v.boolean(), reason: v.optional(reasonText) });
export type AvailabilityMessage = v.InferOutput<typeof availabilityMessage>;

/**
 * `…/requests/<requestId>`: gate → add-on. `method` is one of pair, cancelPairing, set, get, remove, scan,
 * backup, or an action of the manifest. After `deadline` nobody waits for the result any more.
 */
export const requestMessage = v.object({
  method: v.string(),
  deviceId: v.optional(v.string()),
  params: jsonObjectSchema,
  deadline: timestamp,
});
export type RequestMessage = v.InferOutput<typeof requestMessage>;

const addonError = v.object({
  code: v.pipe(v.string(), v.maxLength(64)),
  message: reasonText,
  hint: v.optional(reasonText),
  /** HTTP status that the device itself answered, where it speaks HTTP. */
  deviceStatus: v.optional(v.number()),
});

/** `…/results/<requestId>`: add-on → gate, exactly one for each request. */
export const resultMessage = v.variant('ok', [
  v.object({ ok: v.literal(true), value: v.optional(jsonValueSchema) }),
  v.object({ ok: v.literal(false), error: addonError }),
]);
export type ResultMessage = v.InferOutput<typeof resultMessage>;

/** Longest label of a candidate, in characters. */
export const CANDIDATE_LABEL_MAX_CHARS = 200;

/**
 * One device that a `scan` found: what a person recognises it by, and what it would be created with. `address`, where
 * the add-on knows it, is what `pair` would answer; `deviceId` is for a device that is paired already.
 */
export const scanCandidate = v.object({
  label: v.pipe(v.string(), v.minLength(1), v.maxLength(CANDIDATE_LABEL_MAX_CHARS)),
  /** Id of its device type, where the add-on can tell. */
  type: v.optional(v.pipe(v.string(), v.maxLength(64))),
  parameters: v.optional(jsonObjectSchema, {}),
  address: v.optional(jsonValueSchema),
  deviceId: v.optional(v.string()),
});
export type ScanCandidate = v.InferOutput<typeof scanCandidate>;

/**
 * `…/events`: add-on → gate. Known types: `joined`, `interviewing`, `configuring`, `configured`, `failed`
 * (progress of a pairing), `left`, `moved`, `linkUp`, `linkDown`, `busTelegrams`. Others are passed on as they are.
 */
export const eventMessage = v.looseObject({
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  deviceId: v.optional(v.string()),
  reason: v.optional(v.union([reasonText, addonError])),
});
export type EventMessage = v.InferOutput<typeof eventMessage>;

/** Telegrams that one event `busTelegrams` may hold. */
export const BUS_TELEGRAMS_MAX = 200;
const COUNT = 'must be a whole number from 0';

/**
 * The event `busTelegrams` on `…/events`: what an add-on has heard on its bus, for whoever asked to watch it. `leftOut`:
 * how many there were besides, since the event before; they were too many to be told.
 */
export const busTelegramsEvent = v.object({
  telegrams: v.pipe(
    v.array(jsonObjectSchema),
    v.maxLength(BUS_TELEGRAMS_MAX, `at most ${BUS_TELEGRAMS_MAX}`),
  ),
  leftOut: v.optional(v.pipe(v.number(COUNT), v.integer(COUNT), v.minValue(0, COUNT)), 0),
});
