/** What the API answers, under short names. */
import type { paths } from '../generated/api.d.ts';
import type { JsonObject } from './json.ts';

type Json<Answer> = Answer extends { content: { 'application/json': infer Body } } ? Body : never;
type Get<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: infer Answer } } }
  ? Json<Answer>
  : never;

/** The document's form for "any JSON object" holds nothing in TypeScript. */
export type Device = Omit<Get<'/device/v1/devices'>[number], 'parameters'> & {
  parameters: JsonObject;
};
export type DeviceType = Get<'/device/v1/types/{typeId}'>;
export type Protocol = Get<'/device/v1/protocols'>[number];
export type Health = Get<'/health/ready'>;
export type Notification = Get<'/history/notifications/history'>['notifications'][number];
export type Latest = Get<'/history/latest'>[number];
export type Reading = Get<'/device/v1/devices/{deviceId}/data'>['data'][number];
export type Maintenance = Get<'/maintenance/v1'>;
export type SerialPort = Get<'/device/v1/serial-ports'>[number];
export type TypeName = Get<'/device/v1/type-names'>[number];
export type PairingCourse = Get<'/device/v1/devices/{deviceId}/pair'>;
export type LogLine = Get<'/device/v1/devices/{deviceId}/{containerId}/logs'>[number];
export type Client = Get<'/authentication/v1/clients'>[number];
