/** What the socket.io events of the on-premise API carry, with an example of each. */
import * as v from 'valibot';
import { reasonSchema } from '../../model/device.ts';
import { isoDateTime, timestamp } from '../schemas.ts';
import type { Channel } from './channel.ts';

export const ts = isoDateTime('When it happened');
export const deviceId = v.string();
export const availability = { online: v.boolean(), reason: v.optional(v.string()) };

/** The device, as the cloud's events of a pairing show it. */
const pairingSchema = v.object({
  projectId: v.string(),
  ts: timestamp('Creation of the device'),
  status: v.object({
    eventType: v.picklist(['discovering', 'paired', 'not_paired']),
    reason: v.optional(reasonSchema),
  }),
  parentDevice: v.optional(v.string()),
  id: v.string(),
  env: v.pipe(v.picklist(['live', 'sandbox']), v.description('`sandbox` for virtual devices')),
  isGateway: v.boolean(),
  name: v.string(),
  type: v.optional(v.string()),
});
export const logsSchema = v.object({
  logs: v.array(
    v.object({
      message: v.string(),
      type: v.picklist(['LOG', 'ERR']),
      timestamp: timestamp('When it was written'),
    }),
  ),
  deviceId,
  containerName: v.pipe(v.string(), v.description('`gate`, or the slug of an add-on')),
});

const pairingExample = (eventType: 'discovering' | 'paired' | 'not_paired') => ({
  projectId: 'ZLS75DhL',
  ts: 1588926931047,
  status: { eventType },
  parentDevice: '3tjVYgQTw',
  id: 'ULfDD5dO4',
  env: 'live',
  isGateway: false,
  name: 'sensor',
  type: '01c2fd9f-fb3a-45cf-8be3-97e00b7510c6',
});
export const logsExample = {
  logs: [
    { message: '2020-05-07T15:01:20.563Z gate:log Connecting...', type: 'LOG', timestamp: 1588863680585 },
  ],
  deviceId: '9IHOifUF4',
  containerName: 'gate',
};

export const pairing = (eventType: 'discovering' | 'paired' | 'not_paired', summary: string): Channel => ({
  name: eventType,
  address: eventType,
  direction: 'gateSends',
  summary,
  payload: pairingSchema,
  example: pairingExample(eventType),
});

const principal = v.pipe(v.string(), v.description('SHA-256 of the gateway’s certificate, or `N/A`'));
export const presence = {
  principalIdentifier: principal,
  clientId: v.string(),
  eventType: v.string(),
  timestamp: timestamp('Since when'),
};
export const gatewayKeys = {
  projectId: v.string(),
  ts: timestamp('Creation of the gateway’s device'),
  stats: v.object({
    ingestion: v.pipe(
      v.number(),
      v.integer(),
      v.description('Readings stored since the gateway was started'),
    ),
  }),
  version: v.object({ gate: v.string() }),
  certificateId: principal,
  protocols: v.pipe(v.array(v.string()), v.description('Ids of the installed protocols')),
  env: v.literal('live'),
  isGateway: v.literal(true),
  name: v.string(),
  subDevices: v.pipe(v.array(v.string()), v.description('Ids of the devices below the gateway')),
  id: v.string(),
  type: v.optional(v.string()),
};
export const disconnection = {
  disconnectReason: v.pipe(v.string(), v.description('Why the link ended')),
  clientInitiatedDisconnect: v.pipe(v.boolean(), v.description('The gateway itself ended it')),
};
export const gatewayExample = (eventType: string, ended: object = {}) => ({
  projectId: 'ZLS75DhL',
  ts: 1588928190174,
  stats: { ingestion: 0 },
  version: { gate: 'instathings/gate:1.7.1' },
  certificateId: 'N/A',
  status: {
    ...ended,
    principalIdentifier: 'N/A',
    clientId: '3tjVYgQTw',
    eventType,
    timestamp: 1588926931047,
  },
  protocols: ['knx'],
  env: 'live',
  isGateway: true,
  name: 'gate',
  subDevices: ['ULfDD5dO4'],
  id: '3tjVYgQTw',
});

export const protocol = { protocol: v.string(), protocolId: v.string() };
const installationSchema = v.object({
  event: v.object({
    dt_install: timestamp('When it ended'),
    ...protocol,
    exitStatus: v.pipe(v.number(), v.integer()),
    installationSuccess: v.boolean(),
    stdout: v.string(),
    stderr: v.string(),
    versions: v.record(v.string(), v.string()),
    newContainers: v.array(v.string()),
    projectId: v.string(),
    deviceId: v.pipe(v.string(), v.description('The gateway')),
  }),
});
export const installation = (success: boolean, name: string, summary: string): Channel => ({
  name,
  address: name,
  direction: 'gateSends',
  summary,
  payload: installationSchema,
  example: {
    event: {
      dt_install: 1588925322244,
      protocol: 'knx',
      protocolId: 'knx',
      exitStatus: success ? 0 : 1,
      installationSuccess: success,
      stdout: '',
      stderr: '',
      versions: { gate: 'instathings/gate:1.7.1' },
      newContainers: success ? ['knx'] : [],
      projectId: 'ZLS75DhL',
      deviceId: '3tjVYgQTw',
    },
  },
});
