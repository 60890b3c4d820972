/**
 * A device as callers see it: the documented object and, after it, what this gateway adds. Pure. Values that may
 * be secrets never leave the gateway, whatever object they lie in.
 */
import type { Availability, Device } from '../model/device.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';

const SECRET_KEY = /^(password|token|secret|installCode)$/i;

/** The documented keys, in the documented order, then the added ones. */
export interface DeviceView<Sub = string | DeviceView<never>> {
  projectId: string;
  ts: number;
  /** On the gateway only. */
  subDevices?: Sub[];
  isVirtual: boolean;
  demoActive: boolean;
  /** On sub-devices only. */
  parentDevice?: string;
  id: string;
  isGateway: boolean;
  name: string;
  type?: string;
  status: Device['status'];
  /** Absent until the device has been heard of. */
  availability?: Availability;
  address?: JsonValue;
  frequency?: number;
  parameters: JsonObject;
}

/** A device below the gateway, or the gateway with its sub-devices shown as `subDevices` has them. */
export function deviceView<Sub>(
  device: Device,
  availability: Availability | undefined,
  subDevices: readonly Sub[] = [],
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
    ...(device.frequency === undefined ? {} : { frequency: device.frequency }),
    parameters: withoutSecrets(device.parameters) as JsonObject,
  };
}

function withoutSecrets(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !SECRET_KEY.test(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutSecrets(inner)]));
}
