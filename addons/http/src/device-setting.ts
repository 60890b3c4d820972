/** One device as gate has it, parsed once: where it is, who it is, how it is asked, and what of its answer counts. */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { AttributeSelection } from './attribute-selection.ts';
import { familyOf } from './families/families.ts';
import type { Family } from './families/family.ts';
import { plainId } from './families/wire-values.ts';
import { type HttpAddress, type PollParameters, parseAddress, parsePolling } from './http-parameters.ts';
import { Login, parseCredentials, parsePassword } from './login.ts';
import { parseTrust, type Trust } from './trust.ts';

/** The type whose devices only call their webhook. */
export const PUSH_TYPE = 'b3426c06-a3c6-4e97-bfc3-c6237fa15d8f';
/** What pairing answers for one of those. */
export const PUSH_ADDRESS = { push: true } as const;

/** How a device is spoken to. */
export interface DeviceAccess {
  address: HttpAddress;
  login: Login | undefined;
  trust: Trust | undefined;
}

export interface DeviceSetting extends DeviceAccess {
  polling: PollParameters;
  /** Of a device of a family. */
  family: Family | undefined;
  /** Who must answer at `address`; known once a device of a family is paired. */
  identity: string | undefined;
  /** Of a generic device. */
  selection: AttributeSelection | undefined;
}

/**
 * `place` has protocol, hostname and port: the address of a paired device, the parameters of one that is being paired.
 * @throws AddonError badRequest
 */
export function parseSetting(typeId: string | null, parameters: JsonObject, place: JsonValue): DeviceSetting {
  const address = parseAddress(place);
  const family = familyOf(typeId);
  // a certificate is pinned for the protocol that is really spoken
  const trust = parseTrust({ ...parameters, protocol: address.protocol });
  const polling = parsePolling(parameters);
  if (family === undefined) {
    const credentials = parseCredentials(parameters['authentication']);
    const selection = AttributeSelection.parse(parameters['attributes']);
    const login = credentials && new Login(credentials);
    return { address, login, trust, polling, family, identity: undefined, selection };
  }
  const { loginMethod, title } = family;
  if (loginMethod === undefined && parameters['authentication'] !== undefined) {
    throw new AddonError('badRequest', `a device of ${title} knows no login: leave "authentication" out`);
  }
  const credentials = loginMethod && parsePassword(parameters['authentication'], loginMethod);
  const login = credentials && new Login(credentials);
  const identity = plainId(isJsonObject(place) ? place['identity'] : undefined);
  return { address, login, trust, polling, family, identity, selection: undefined };
}
