/** The socket.io events of the on-premise API. */
import * as v from 'valibot';
import { BUS_TELEGRAMS_MAX } from '../../contract/messages.ts';
import { PAIRING_STEPS } from '../../core/events.ts';
import { INSTALLATION_STATUSES } from '../../core/protocols/protocol-view.ts';
import { jsonObjectSchema, jsonValueSchema } from '../../model/device.ts';
import { PART_STATES } from '../../model/health.ts';
import { clockSchema, imageProgressSchema, timestamp } from '../schemas.ts';
import { NARROWED_DEVICES_MAX } from '../sockets/narrowing.ts';
import { DEVICE_CHANGES, EVENT_KINDS } from '../views/event-view.ts';
import { maintenanceEventSchema } from '../views/maintenance-view.ts';
import { notificationSchema } from '../views/notification-view.ts';
import type { Contract } from './channel.ts';
import {
  availability,
  deviceId,
  disconnection,
  gatewayExample,
  gatewayKeys,
  installation,
  logsExample,
  logsSchema,
  pairing,
  presence,
  protocol,
  ts,
} from './socketio-shapes.ts';

export const SOCKETIO: Contract = {
  name: 'socketio',
  title: 'socket.io events',
  description: [
    'On the port of the REST API and on its Unix socket, for socket.io 2.x to 4.x (Engine.IO 3 and 4). A token is given as `auth: {token}` (4.x), as `access_token` in the query of the handshake (2.x and 4.x), or in the `Authorization` header.',
    `The query of the handshake narrows what is sent: \`devices=a,b\` (at most ${NARROWED_DEVICES_MAX} ids) and \`events=data,status\`, any of ${EVENT_KINDS.map((kind) => `\`${kind}\``).join(', ')}. With \`perDevice=false\` the events that are called by a device’s id are left out: they say again what \`data\`, \`status\` and \`availability\` say. Readings are told after they are on disk, in the order they were stored.`,
  ].join('\n\n'),
  server: { host: 'localhost:1234', protocol: 'http', pathname: '/socket.io/' },
  channels: [
    {
      name: 'data',
      address: 'data',
      direction: 'gateSends',
      summary: 'A device has sent data',
      description: '`payload` is what REST shows as `data`.',
      payload: v.object({ deviceId, payload: jsonObjectSchema, ts, clock: clockSchema }),
      example: { deviceId: 'a1234', payload: { temperature: 30.82 }, ts: '2020-05-20T12:19:44.395Z' },
    },
    {
      name: 'dataOfDevice',
      address: 'data_{deviceId}',
      direction: 'gateSends',
      summary: 'This device has sent data',
      payload: jsonObjectSchema,
      example: { temperature: 30.82 },
    },
    {
      name: 'status',
      address: 'status',
      direction: 'gateSends',
      summary: 'A device has answered a status request',
      payload: v.object({ deviceId, payload: jsonValueSchema, ts }),
      example: { payload: { temperature: 30.82 }, deviceId: '9s9WdonY9', ts: '2020-05-20T12:19:44.395Z' },
    },
    {
      name: 'statusOfDevice',
      address: 'status_{deviceId}',
      direction: 'gateSends',
      summary: 'This device has answered a status request',
      payload: jsonValueSchema,
      example: { temperature: 30.82 },
    },
    {
      name: 'device',
      address: '{deviceId}',
      direction: 'gateSends',
      summary: 'All that happens to one device',
      payload: v.variant('action', [
        v.object({ action: v.literal('data'), payload: jsonObjectSchema, ts, clock: clockSchema }),
        v.object({ action: v.literal('status'), payload: jsonValueSchema, ts }),
        v.object({ action: v.literal('availability'), payload: v.object(availability), ts }),
      ]),
      example: { action: 'data', payload: { temperature: 20.4 }, ts: '2020-05-20T12:19:44.395Z' },
    },
    {
      name: 'availability',
      address: 'availability',
      direction: 'gateSends',
      summary: 'A device answers, or does not any more',
      payload: v.object({ deviceId, ...availability, ts }),
      example: {
        deviceId: '9s9WdonY9',
        online: false,
        reason: 'no answer for 5 minutes',
        ts: '2020-05-20T12:19:44.395Z',
      },
    },
    {
      name: 'device_changed',
      address: 'device_changed',
      direction: 'gateSends',
      summary: 'There is another device, one is different, or one is gone',
      description: 'Whoever did it. What it is now is at `GET /device/v1/devices/{deviceId}`.',
      payload: v.object({ deviceId, change: v.picklist(DEVICE_CHANGES), ts }),
      example: { deviceId: '9s9WdonY9', change: 'changed', ts: '2020-05-20T12:19:44.395Z' },
    },
    {
      name: 'protocol_changed',
      address: 'protocol_changed',
      direction: 'gateSends',
      summary: 'A protocol was registered, installed or removed, or has other parameters',
      description: 'What it is now is at `GET /device/v1/protocols`.',
      payload: v.object({ protocol: v.pipe(v.string(), v.description('Slug of the add-on')), ts }),
      example: { protocol: 'knx', ts: '2020-05-20T12:19:44.395Z' },
    },
    {
      name: 'health',
      address: 'health',
      direction: 'gateSends',
      summary: 'A part of the gateway is in another state, or for another reason',
      description: 'What is counted of a part is at `GET /health/ready`, and told by no event.',
      payload: v.object({
        part: v.pipe(v.string(), v.description('`cloud`, `addon:zigbee`, …')),
        state: v.picklist(PART_STATES),
        reason: v.optional(v.string()),
        ts,
      }),
      example: {
        part: 'addon:zigbee',
        state: 'degraded',
        reason: 'the coordinator does not answer',
        ts: '2020-05-20T12:19:44.395Z',
      },
    },
    pairing('discovering', 'The gateway looks for a device to pair'),
    pairing('paired', 'A device has been paired'),
    pairing('not_paired', 'A pairing did not succeed; `status.reason` says why'),
    {
      name: 'pairing_progress',
      address: 'pairing_progress',
      direction: 'gateSends',
      summary: 'A step of a pairing, before it ends',
      payload: v.object({
        deviceId,
        step: v.picklist(PAIRING_STEPS),
        details: v.optional(jsonObjectSchema),
        ts,
      }),
      example: {
        deviceId: 'ULfDD5dO4',
        step: 'joined',
        details: { ieeeAddress: '0x00158d0001a2b3c4' },
        ts: '2020-05-20T12:19:44.395Z',
      },
    },
    installation(
      true,
      'installation_succeded',
      'A protocol has been installed or updated; for callers that may administer',
    ),
    installation(
      false,
      'installation_failed',
      'An installation or update did not succeed; for callers that may administer',
    ),
    {
      name: 'installation_progress',
      address: 'installation_progress',
      direction: 'gateSends',
      summary: 'A step of an installation, an update or a removal; for callers that may administer',
      payload: v.object({
        ...protocol,
        status: v.picklist(INSTALLATION_STATUSES),
        reason: v.optional(v.string()),
        progress: v.optional(
          v.pipe(imageProgressSchema, v.description('How far the image of its container has come')),
        ),
        ts,
      }),
      example: {
        protocol: 'knx',
        protocolId: 'vRy6GTde',
        status: 'installing',
        reason: 'its program is being started',
        ts: '2020-05-20T12:19:44.395Z',
      },
    },
    {
      name: 'notification',
      address: 'notification',
      direction: 'gateSends',
      summary: 'What the gateway itself noticed',
      payload: notificationSchema,
      example: {
        msgID: '0caa7ff1-c6c2-4171-8a58-6f6cf8e137d8',
        metaAttrsFilter: { level: 3, shouldPersist: true },
        message: 'Something went wrong.',
        subject: 'user_notification',
        ts: '2019-02-20T17:17:52.863000Z',
      },
    },
    {
      name: 'connected',
      address: 'connected',
      direction: 'gateSends',
      summary: 'The gateway has connected to the cloud',
      payload: v.object({ ...gatewayKeys, status: v.object(presence) }),
      example: gatewayExample('connected'),
    },
    {
      name: 'disconnected',
      address: 'disconnected',
      direction: 'gateSends',
      summary: 'The gateway’s connection to the cloud has ended',
      payload: v.object({ ...gatewayKeys, status: v.object({ ...disconnection, ...presence }) }),
      example: gatewayExample('disconnected', {
        disconnectReason: 'CONNECTION_LOST',
        clientInitiatedDisconnect: false,
      }),
    },
    {
      name: 'software_version',
      address: 'software_version',
      direction: 'gateSends',
      summary:
        'The gateway’s device with the version of its software, told to each client when it is let in, and when an update has ended',
      payload: v.object({
        ...gatewayKeys,
        status: v.object(presence),
        update: v.optional(v.object({ version: v.string(), failure: v.optional(v.string()) })),
      }),
      example: gatewayExample('connected'),
    },
    {
      name: 'bus_telegrams',
      address: 'bus_telegrams',
      direction: 'gateSends',
      summary:
        'What an add-on hears on its bus; for callers that may control, and only where `events` names `bus`',
      description:
        'While somebody has asked for it with an action of the add-on, as `watchBus` of KNX. `leftOut` counts those that were too many to be told since the event before.',
      payload: v.object({
        protocol: v.pipe(v.string(), v.description('Slug of the add-on')),
        telegrams: v.pipe(v.array(jsonObjectSchema), v.maxLength(BUS_TELEGRAMS_MAX)),
        leftOut: v.pipe(v.number(), v.integer(), v.minValue(0)),
        ts,
      }),
      example: {
        protocol: 'knx',
        telegrams: [
          {
            ts: 1589977184395,
            direction: 'in',
            service: 'write',
            source: '1.1.7',
            destination: '3/0/1',
            raw: '0c33',
            known: [{ deviceId: '9s9WdonY9', name: 'temperature', value: 21.5, unit: '°C' }],
          },
        ],
        leftOut: 0,
        ts: '2020-05-20T12:19:44.395Z',
      },
    },
    {
      name: 'log',
      address: 'log',
      direction: 'gateSends',
      summary: 'What one program wrote in the last 5 s; for callers that may administer',
      payload: logsSchema,
      example: logsExample,
    },
    {
      name: 'live_log',
      address: 'live_log',
      direction: 'gateSends',
      summary:
        'What one program has just written; only for sockets that name `live_log` in `events`, of callers that may administer',
      payload: v.object({
        log: v.pipe(v.string(), v.description('`gate`, or the slug of an add-on')),
        lines: v.array(
          v.object({
            message: v.string(),
            type: v.picklist(['LOG', 'ERR']),
            timestamp: timestamp('When it was written'),
            level: v.optional(
              v.pipe(v.string(), v.description('`info`, `warn`, …, where its program says so')),
            ),
          }),
        ),
      }),
      example: {
        log: 'gate',
        lines: [
          {
            message: '2026-05-07T15:01:20.563Z gate gate is up',
            type: 'LOG',
            timestamp: 1778166080563,
            level: 'info',
          },
        ],
      },
    },
    {
      name: 'maintenance',
      address: 'maintenance',
      direction: 'gateSends',
      summary: 'A backup, its return or an update has come further; for callers that may administer',
      description: '`of` says which; the other keys are those of `GET /maintenance/v1`.',
      payload: maintenanceEventSchema,
      example: {
        of: 'backup',
        state: 'running',
        phase: 'encrypting',
        bytes: 40960,
        totalBytes: 122880,
        readings: false,
        ts: 1778166080563,
      },
    },
  ],
};
