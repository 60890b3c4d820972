/**
 * A device as the gateway keeps it. Key names are those of the published API (shared by REST, sockets
 * and cloud); what a caller may not see is taken out by the API room, not here.
 */
import * as v from 'valibot';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { relayRulesSchema } from './relay-rules.ts';

export const DEVICE_NAME_MAX_CHARS = 20;
export const DEVICE_ROOM_MAX_CHARS = 40;
/** Shortest period of generated readings, in seconds, as the API document has it. */
export const VIRTUAL_FREQUENCY_MIN_SECONDS = 30;
export const VIRTUAL_FREQUENCY_DEFAULT_SECONDS = 60;

export const reasonSchema = v.object({ code: v.string(), message: v.string(), hint: v.optional(v.string()) });

export const deviceStatusSchema = v.object({
  /** `created` until the first pairing begins. */
  eventType: v.picklist(['created', 'discovering', 'paired', 'not_paired', 'connected', 'disconnected']),
  /** Milliseconds since 1970. */
  timestamp: v.number(),
  reason: v.optional(reasonSchema),
});
export type DeviceStatus = v.InferOutput<typeof deviceStatusSchema>;

export const jsonValueSchema = v.custom<JsonValue>((value) => value !== undefined, 'must be JSON');
export const jsonObjectSchema = v.custom<JsonObject>(isJsonObject, 'must be an object');

export const deviceSchema = v.object({
  id: v.string(),
  projectId: v.string(),
  /** Creation, in milliseconds since 1970. */
  ts: v.number(),
  name: v.string(),
  isGateway: v.boolean(),
  isVirtual: v.boolean(),
  /** Whether a virtual device generates readings now. */
  demoActive: v.boolean(),
  /** Period of generated readings in seconds; virtual devices only. */
  frequency: v.optional(v.number()),
  /** The gateway's id; absent on the gateway itself. */
  parentDevice: v.optional(v.string()),
  /** Id of an entry of `/types`. */
  type: v.optional(v.string()),
  /** Slug of the protocol whose add-on speaks to this device; absent on the gateway itself. */
  protocol: v.optional(v.string()),
  parameters: jsonObjectSchema,
  /** What it was imported as: an import of the same finds it by this. */
  importKey: v.optional(v.string()),
  /** What the add-on's `pair` answered: how it finds the device again. */
  address: v.optional(jsonValueSchema),
  /** How often the token of its webhook was renewed. */
  webhookRenewals: v.optional(v.number()),
  status: deviceStatusSchema,
  /** Where the cloud wants its readings, where it said so. */
  topic: v.optional(v.string()),
  /** Where it is, in its people's own words: overviews are sorted by it. */
  room: v.optional(v.string()),
  /** What of its readings goes to the cloud; absent: all. */
  relay: v.optional(relayRulesSchema),
});
export type Device = v.InferOutput<typeof deviceSchema>;

/** Whether a device answers just now. May be lost in a power cut: the add-on says it again. */
export interface Availability {
  online: boolean;
  reason?: string | undefined;
  /** Milliseconds since 1970. */
  since: number;
}
