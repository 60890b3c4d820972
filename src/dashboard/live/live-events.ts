/** What the socket tells (docs/contracts.md, "Events"), as far as the pages listen. Times are ISO 8601. */

import type { Device, Maintenance, Notification } from '../api/answers.ts';
import type { JsonObject, JsonValue } from '../api/json.ts';

export interface Told<Payload = JsonValue> {
  deviceId: string;
  payload: Payload;
  ts: string;
}
export interface PullProgress {
  layers: number;
  layersDone: number;
  bytes: number;
  totalBytes: number;
}

export interface LiveEvents {
  data: Told<JsonObject>;
  status: Told;
  availability: { deviceId: string; online: boolean; reason?: string; ts: string };
  device_changed: { deviceId: string; change: 'added' | 'changed' | 'removed'; ts: string };
  protocol_changed: { protocol: string; ts: string };
  health: { part: string; state: string; reason?: string; ts: string };
  discovering: Device;
  paired: Device;
  not_paired: Device;
  pairing_progress: { deviceId: string; step: string; details?: JsonValue; ts: string };
  connected: Device;
  disconnected: Device;
  software_version: Device & { version: { gate: string }; update?: { version: string; failure?: string } };
  notification: Notification;
  log: JsonObject;
  installation_progress: {
    protocol: string;
    protocolId: string;
    status: string;
    reason?: string;
    progress?: PullProgress;
    ts: string;
  };
  installation_succeded: { event: JsonObject };
  installation_failed: { event: JsonObject };
  maintenance:
    | ({ of: 'backup' } & Maintenance['backup'])
    | ({ of: 'restore' } & Maintenance['restore'])
    | ({ of: 'update' } & Maintenance['update']);
  bus_telegrams: { protocol: string; telegrams: JsonObject[]; leftOut: number; ts: string };
}
