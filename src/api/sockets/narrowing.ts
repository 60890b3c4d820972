/**
 * What a socket asked to be sent: `devices=a,b` and `events=data,status` in its handshake, everything but the bus where
 * it names nothing. Told as rooms, one for each kind of event, or one for each kind and device. With `perDevice=false` it is
 * spared the events that are called by a device's id: they say again what the others say.
 */
import { GatewayError } from '../../model/error.ts';
import { ASKED_EVENT_KINDS, EVENT_KINDS, type EventKind } from '../views/event-view.ts';

/** Devices that one socket may name; who wants more takes all. */
export const NARROWED_DEVICES_MAX = 1_000;

/** The room of those who want no event that is called by a device's id. */
export const SHARED_NAMES_ONLY = 'sharedNamesOnly';

export type HandshakeQuery = Readonly<Record<string, string | string[] | undefined>>;

export function roomOf(kind: EventKind, deviceId?: string): string {
  return deviceId === undefined ? kind : `${kind}:${deviceId}`;
}

/** `allowed`: the kinds that this caller may hear. @throws GatewayError badRequest, forbidden */
export function roomsOf(query: HandshakeQuery, allowed: readonly EventKind[] = EVENT_KINDS): string[] {
  const devices = namesIn(query, 'devices');
  const unasked = allowed.filter((kind) => !ASKED_EVENT_KINDS.includes(kind));
  const kinds = (namesIn(query, 'events') ?? unasked).map((name) => kindNamed(name, allowed));
  const own = perDeviceIn(query) ? [] : [SHARED_NAMES_ONLY];
  if (devices === undefined) return [...kinds.map((kind) => roomOf(kind)), ...own];
  if (devices.length > NARROWED_DEVICES_MAX) {
    throw new GatewayError('badRequest', `"devices" may name at most ${NARROWED_DEVICES_MAX} devices`);
  }
  return [...kinds.flatMap((kind) => devices.map((deviceId) => roomOf(kind, deviceId))), ...own];
}

/** @throws GatewayError badRequest */
function perDeviceIn({ perDevice = 'true' }: HandshakeQuery): boolean {
  if (perDevice === 'true' || perDevice === 'false') return perDevice === 'true';
  throw new GatewayError('badRequest', '"perDevice" must be true or false, given once');
}

function namesIn(query: HandshakeQuery, parameter: string): string[] | undefined {
  const value = query[parameter];
  if (value === undefined) return undefined;
  const names = [value].flat().flatMap((list) => list.split(','));
  const trimmed = names.map((name) => name.trim()).filter((name) => name !== '');
  // an empty list asks for nothing in particular, not for nothing
  return trimmed.length === 0 ? undefined : trimmed;
}

function kindNamed(name: string, allowed: readonly EventKind[]): EventKind {
  const kind = allowed.find((known) => known === name);
  if (kind) return kind;
  if (EVENT_KINDS.some((known) => known === name)) {
    throw new GatewayError('forbidden', `"events" names "${name}", which this caller may not hear`);
  }
  throw new GatewayError('badRequest', `"events" may name ${allowed.join(', ')}, not "${name}"`);
}
