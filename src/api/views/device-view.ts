/**
 * A device as callers see it: the documented object and, after it, what this gateway adds. Pure. Values that may
 * be secrets never leave the gateway, whatever object they lie in.
 */
import * as v from 'valibot';
import {
  type Availability,
  type Device,
  deviceStatusSchema,
  jsonObjectSchema,
  jsonValueSchema,
} from '../../model/device.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { relayRulesSchema } from '../../model/relay-rules.ts';
import { text, timestamp } from '../schemas.ts';

const SECRET_KEY = /^(password|token|secret|installCode)$/i;

/** Whether the device answers just now. */
export const availabilitySchema = v.object({
  online: v.boolean(),
  reason: v.optional(v.string()),
  since: timestamp('Since when'),
});

const before = { projectId: v.string(), ts: timestamp('Creation') };
const after = {
  isVirtual: v.boolean(),
  demoActive: v.pipe(v.boolean(), v.description('Whether a virtual device generates readings now')),
  parentDevice: v.optional(text('On sub-devices only: the gateway')),
  id: v.string(),
  isGateway: v.boolean(),
  name: v.string(),
  type: v.optional(text('Id of a device type')),
  status: deviceStatusSchema,
  availability: v.optional(availabilitySchema),
  address: v.optional(jsonValueSchema),
  webhook: v.optional(
    text('Of HTTP devices, for administrators: the path that it may report its readings to'),
  ),
  frequency: v.optional(
    v.pipe(v.number(), v.description('Seconds between two readings of a virtual device')),
  ),
  parameters: jsonObjectSchema,
  relay: v.optional(
    v.pipe(relayRulesSchema, v.description('What of its readings goes to the cloud; absent: all')),
  ),
  importKey: v.optional(text('What it was imported as')),
  room: v.optional(text('Where it is, in its people’s own words')),
};

/** The documented keys, in the documented order, then the added ones. */
export const deviceInListSchema = v.object({
  ...before,
  subDevices: v.optional(v.pipe(v.array(v.string()), v.description('On the gateway only: ids'))),
  ...after,
});
const subDeviceSchema = v.object({ ...before, ...after });
export const deviceSchema = v.object({
  ...before,
  subDevices: v.optional(
    v.pipe(v.array(subDeviceSchema), v.description('On the gateway only: whole devices')),
  ),
  ...after,
});
type SubDevice = v.InferOutput<typeof subDeviceSchema>;
export type DeviceView<Sub> = SubDevice & { subDevices?: Sub[] };

/** A device below the gateway, or the gateway with its sub-devices shown as `subDevices` has them. */
export function deviceView<Sub>(
  device: Device,
  availability: Availability | undefined,
  { subDevices = [], webhook }: { subDevices?: readonly Sub[]; webhook?: string | undefined } = {},
): DeviceView<Sub> {
  return {
    projectId: device.projectId,
    ts: device.ts,
    ...(device.isGateway ? { subDevices: [...subDevices] } : {}),
    isVirtual: device.isVirtual,
    demoActive: device.demoActive,
    ...(device.parentDevice === undefined ? {} : { parentDevice: device.parentDevice }),
    id: device.id,
    isGateway: device.isGateway,
    name: device.name,
    ...(device.type === undefined ? {} : { type: device.type }),
    status: device.status,
    ...(availability === undefined ? {} : { availability }),
    ...(device.address === undefined ? {} : { address: withoutSecrets(device.address) }),
    ...(webhook === undefined ? {} : { webhook }),
    ...(device.frequency === undefined ? {} : { frequency: device.frequency }),
    parameters: withoutSecrets(device.parameters) as JsonObject,
    ...(device.relay === undefined ? {} : { relay: device.relay }),
    ...(device.importKey === undefined ? {} : { importKey: device.importKey }),
    ...(device.room === undefined ? {} : { room: device.room }),
  };
}

function withoutSecrets(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !SECRET_KEY.test(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutSecrets(inner)]));
}
