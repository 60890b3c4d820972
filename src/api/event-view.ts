/** The socket events' payloads, in the documented shapes. Pure. */
import type { GatewayEvents } from '../core/events.ts';
import type { Device } from '../model/device.ts';

/** What a caller may narrow a socket to, and the events of each kind. */
export const EVENT_KINDS = ['data', 'status', 'availability', 'pairing', 'notification', 'log'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
/** Those for everyone who may read: logs are for administrators. */
export const OPEN_EVENT_KINDS: readonly EventKind[] = EVENT_KINDS.filter((kind) => kind !== 'log');

const PAIRING_EVENTS = ['discovering', 'paired', 'not_paired'] as const;
export type PairingEvent = (typeof PAIRING_EVENTS)[number];

export const isoTime = (ts: number): string => new Date(ts).toISOString();

/** The event that tells of this device's pairing; undefined where its status is none of pairing. */
export function pairingEventOf(device: Device): PairingEvent | undefined {
  return PAIRING_EVENTS.find((event) => event === device.status.eventType);
}

/** The device as the cloud's `discovering`, `paired` and `not_paired` events show it. */
export function pairingPayload(device: Device) {
  const { eventType, reason } = device.status;
  return {
    projectId: device.projectId,
    ts: device.ts,
    status: { eventType, ...(reason === undefined ? {} : { reason }) },
    ...(device.parentDevice === undefined ? {} : { parentDevice: device.parentDevice }),
    id: device.id,
    env: device.isVirtual ? 'sandbox' : 'live',
    isGateway: device.isGateway,
    name: device.name,
    ...(device.type === undefined ? {} : { type: device.type }),
  };
}

/** Log lines as the cloud's `log` event shows them. */
export function logPayload({ deviceId, log, lines }: GatewayEvents['logsGathered']) {
  return {
    logs: lines.map(({ message, type, timestamp }) => ({ message, type, timestamp })),
    deviceId,
    containerName: log,
  };
}
