/** A device as a person names it: by its id, or by its name where only one has it. */
import { GatewayError } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { GatewayClient } from './gateway-client.ts';

/** A device as the API lists it. */
export interface ListedDevice {
  id: string;
  name: string;
  isGateway: boolean;
  isVirtual: boolean;
  type?: string;
  status: { eventType: string; timestamp: number; reason?: { message: string; hint?: string } };
  availability?: { online: boolean; reason?: string; since: number };
  parameters: JsonObject;
  address?: JsonValue;
}

export const DEVICES = '/device/v1/devices';

/** The gateway itself comes first. @throws NoGatewayError, GatewayError */
export function listDevices(client: GatewayClient): Promise<ListedDevice[]> {
  return client.get<ListedDevice[]>(DEVICES);
}

/** @throws GatewayError notFound, badRequest when several have this name */
export async function namedDevice(client: GatewayClient, named: string): Promise<ListedDevice> {
  const devices = await listDevices(client);
  const byId = devices.find(({ id }) => id === named);
  if (byId) return byId;
  const wanted = named.toLowerCase();
  const [found, ...others] = devices.filter(({ name }) => name.toLowerCase() === wanted);
  if (!found) {
    throw new GatewayError('notFound', `there is no device "${named}"`, {
      hint: '"gate devices" lists them',
    });
  }
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => id).join(', ');
  throw new GatewayError('badRequest', `${others.length + 1} devices are called "${named}": ${ids}`, {
    hint: 'name one by its id',
  });
}
