/**
 * Payloads as the published API's cloud has them: those of the plain WebSocket, and of the socket.io events that the
 * on-premise part does not show in a form of its own. Pure. What only the cloud knows is left out.
 */
import type { GatewayEvents } from '../../core/events.ts';
import { ownVersion } from '../../core/installations/installation-report.ts';
import type { Device } from '../../model/device.ts';
import type { JsonValue } from '../../model/json.ts';
import type { StoredReading } from '../../model/reading.ts';
import type { GatewayIdentity as InstallingGateway } from './event-view.ts';

const DAY_SECONDS = 86_400;

/** What is the same in every payload of one gateway. */
export interface GatewayIdentity extends InstallingGateway {
  /** SHA-256 of the certificate that this gateway proves itself with, in lower-case hexadecimal digits, or `N/A`. */
  principal: string;
  retentionDays: number;
}

/** `ttl` is the second since 1970 at which retention drops the reading. */
export function cloudDataPayload(
  { _id, deviceId, ts, data, clock }: StoredReading,
  gateway: GatewayIdentity,
) {
  return {
    id: _id,
    clientId: gateway.gatewayId,
    principal: gateway.principal,
    ts,
    ttl: Math.floor(ts / 1_000) + gateway.retentionDays * DAY_SECONDS,
    deviceId,
    data,
    ...(clock === undefined ? {} : { clock }),
  };
}

/** The finished operation, as `fetch` shows it. */
export function cloudStatusPayload(
  { deviceId, payload, operation }: GatewayEvents['deviceAnswered'],
  { projectId }: GatewayIdentity,
) {
  const { ttl, id } = operation ?? {};
  return {
    projectId,
    response: payload,
    ...(ttl === undefined ? {} : { ttl }),
    deviceId,
    ...(id === undefined ? {} : { id }),
  };
}

export interface GatewayFacts {
  device: Device;
  /** Ids of the devices below it, and of the installed protocols. */
  subDevices: readonly string[];
  protocols: readonly string[];
  /** Readings stored since the gateway was started. */
  ingestion: number;
}

/**
 * The gateway's device with the version of its software. `update`, an addition: how an update ended just now; `version`
 * beside it is what runs.
 */
export function softwareVersionPayload(
  { device, subDevices, protocols, ingestion }: GatewayFacts,
  { gatewayId, projectId, principal, version }: GatewayIdentity,
  update?: Pick<GatewayEvents['updateEnded'], 'version' | 'failure'>,
): Record<string, JsonValue> {
  const failure = update?.failure;
  const { eventType, timestamp } = device.status;
  return {
    projectId,
    ts: device.ts,
    stats: { ingestion },
    version: ownVersion(version),
    ...(update ? { update: { version: update.version, ...(failure === undefined ? {} : { failure }) } } : {}),
    certificateId: principal,
    status: { principalIdentifier: principal, clientId: gatewayId, eventType, timestamp },
    protocols: [...protocols],
    env: 'live',
    isGateway: true,
    name: device.name,
    subDevices: [...subDevices],
    id: gatewayId,
    ...(device.type === undefined ? {} : { type: device.type }),
  };
}

/** The gateway's device at the moment that its link to the cloud was made or ended: `connected`, `disconnected`. */
export function cloudLinkPayload(
  facts: GatewayFacts,
  identity: GatewayIdentity,
  { connected, reason, byUs, ts }: GatewayEvents['cloudLinkChanged'],
): Record<string, JsonValue> {
  const { principal: principalIdentifier, gatewayId: clientId } = identity;
  const ended = { disconnectReason: reason ?? 'UNKNOWN', clientInitiatedDisconnect: byUs ?? false };
  return {
    ...softwareVersionPayload(facts, identity),
    status: {
      ...(connected ? {} : ended),
      principalIdentifier,
      clientId,
      eventType: connected ? 'connected' : 'disconnected',
      timestamp: ts,
    },
  };
}
