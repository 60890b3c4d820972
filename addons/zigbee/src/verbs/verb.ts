/** What can be asked of the network itself: an action of the protocol, and the same as `set` on a bridge device. */
import { AddonError, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import type { Controller, Models } from 'zigbee-herdsman';

export type Verb = (params: JsonObject) => Promise<JsonValue>;
export type Verbs = Readonly<Record<string, Verb>>;

/** What verbs need of the house. */
export interface VerbHouse {
  controller: () => Controller;
  /** The network's device behind a device of the gateway. @throws AddonError notPaired, notFound */
  deviceOf: (deviceId: string) => Models.Device;
  /** The gateway's device behind one of the network. */
  ownerOf: (ieeeAddress: string) => string | undefined;
}

export function textOf(params: JsonObject, name: string): string {
  const value = params[name];
  if (typeof value === 'string' && value.length > 0 && value.length <= 256) return value;
  throw badVerb(`"${name}" must be a text`);
}

export function wholeOf(
  params: JsonObject,
  name: string,
  { min, max }: { min: number; max: number },
): number {
  const value = params[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw badVerb(`"${name}" must be a whole number from ${min} to ${max}`);
}

export function endpointOf(device: Models.Device, params: JsonObject, name = 'endpoint'): Models.Endpoint {
  const endpoint =
    params[name] === undefined
      ? device.endpoints[0]
      : device.getEndpoint(wholeOf(params, name, { min: 1, max: 240 }));
  if (endpoint) return endpoint;
  const ids = device.endpoints.map(({ ID }) => ID).join(', ');
  throw badVerb(`"${name}" must be one of the device's endpoints: ${ids}`);
}

export function badVerb(message: string, hint?: string): AddonError {
  return new AddonError('badRequest', message, { hint });
}
