/** The socket events' payloads, in the documented shapes. Pure. */
import type { GatewayEvents } from '../../core/events.ts';
import { installationReport } from '../../core/installations/installation-report.ts';
import type { Device } from '../../model/device.ts';

/** What a caller may narrow a socket to, and the events of each kind. */
export const EVENT_KINDS = [
  'data',
  'status',
  'availability',
  'pairing',
  'notification',
  'installation',
  'version',
  'cloud',
  'log',
  'bus',
  'live_log',
  'maintenance',
  'device',
  'protocol',
  'health',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
/** Logs, and installations with what was logged, are for administrators; a bus tells of devices that are not ours. */
type NeededRight = 'read' | 'control' | 'administer';
const NEEDED_RIGHTS: Partial<Record<EventKind, NeededRight>> = {
  log: 'administer',
  live_log: 'administer',
  maintenance: 'administer',
  installation: 'administer',
  bus: 'control',
};
/** Told to a socket only that names it in `events`. */
export const ASKED_EVENT_KINDS: readonly EventKind[] = ['bus', 'live_log'];

/** The kinds that a caller may hear who may read. */
export function allowedEventKinds(may: (right: NeededRight) => boolean): EventKind[] {
  return EVENT_KINDS.filter((kind) => may(NEEDED_RIGHTS[kind] ?? 'read'));
}

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

/** A step of a pairing: an addition. `details` is what the add-on says of it. */
export function pairingStepPayload({ deviceId, step, details, ts }: GatewayEvents['pairingStepped']) {
  return { deviceId, step, ...(Object.keys(details).length === 0 ? {} : { details }), ts: isoTime(ts) };
}

/** Log lines as the cloud's `log` event shows them. */
export function logPayload({ deviceId, log, lines }: GatewayEvents['logsGathered']) {
  return {
    logs: lines.map(({ message, type, timestamp }) => ({ message, type, timestamp })),
    deviceId,
    containerName: log,
  };
}

/** Log lines soon after they were written: an addition. */
export function liveLogPayload({ log, lines }: GatewayEvents['logLinesWritten']) {
  return {
    log,
    lines: lines.map(({ message, type, timestamp, level }) => ({
      message,
      type,
      timestamp,
      ...(level === undefined ? {} : { level }),
    })),
  };
}

/** Whose installation it is, as the events of installations tell it. */
export interface GatewayIdentity {
  gatewayId: string;
  projectId: string;
  /** Of gate. */
  version: string;
}

/** The documented `installation_succeded` or `installation_failed`, by how it ended, with its payload. */
export function installationEvent(
  ended: GatewayEvents['installationEnded'],
  { gatewayId, projectId, version }: GatewayIdentity,
) {
  const event = { ...installationReport(ended, version), projectId, deviceId: gatewayId };
  const name = ended.installationSuccess ? 'installation_succeded' : 'installation_failed';
  return { name, payload: { event } };
}

/** A step of an installation, an update or a removal: an addition. */
export function installationProgress(change: GatewayEvents['installationChanged']) {
  const { slug, protocolId, status, reason, progress, ts } = change;
  return { protocol: slug, protocolId, status, reason, ...(progress ? { progress } : {}), ts: isoTime(ts) };
}

/** What may have become of a device: an addition. */
export const DEVICE_CHANGES = ['added', 'changed', 'removed'] as const;
export type DeviceChange = (typeof DEVICE_CHANGES)[number];

/** A part of the gateway is in another state, or in the same for another reason: an addition. */
export function healthPayload({ part, state, reason }: GatewayEvents['healthChanged'], ts: number) {
  return { part, state, ...(reason === undefined ? {} : { reason }), ts: isoTime(ts) };
}

/** What an add-on hears on its bus: an addition. */
export function busTelegramsPayload({ slug, telegrams, leftOut, ts }: GatewayEvents['busTelegramsHeard']) {
  return { protocol: slug, telegrams, leftOut, ts: isoTime(ts) };
}
