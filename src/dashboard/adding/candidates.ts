/** What a look around has found, as far as it may become a device. */

import type { Protocol } from '../api/answers.ts';
import { api, request } from '../api/client.ts';
import { isJsonObject, type JsonObject } from '../api/json.ts';

export interface Candidate {
  label: string;
  /** Slug of the protocol that found it. */
  protocol: string;
  type?: string | undefined;
  parameters: JsonObject;
  /** It is one of ours already. */
  deviceId?: string | undefined;
}

/** A look around takes up to 10 s; those of several protocols go on at once. @throws ApiError */
export async function scanned(protocol: Protocol): Promise<Candidate[]> {
  const params = { path: { protocolId: protocol.id } };
  const found = await request(() => api.POST('/device/v1/protocols/{protocolId}/scan', { params }));
  return (found as unknown as Omit<Candidate, 'protocol'>[])
    .filter((candidate) => !isForInstallation(candidate, protocol))
    .map((candidate) => ({ ...candidate, protocol: protocol.slug }));
}

/** A stick or a KNX/IP server: what the protocol itself is installed with. */
function isForInstallation(
  { type, parameters }: Pick<Candidate, 'type' | 'parameters'>,
  protocol: Protocol,
): boolean {
  const schema = protocol.parameters as unknown;
  const known = isJsonObject(schema) && isJsonObject(schema['properties']) ? schema['properties'] : {};
  const names = Object.keys(parameters);
  return type === undefined && names.length > 0 && names.every((name) => name in known);
}
