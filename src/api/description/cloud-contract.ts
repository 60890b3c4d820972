/** The MQTT contract with the cloud. What comes in is parsed by the stricter schemas of the room `cloud`. */
import * as v from 'valibot';
import { jsonObjectSchema, jsonValueSchema, reasonSchema } from '../../model/device.ts';
import { timestamp } from '../schemas.ts';
import type { Contract } from './channel.ts';

const relayed = v.object({
  id: v.string(),
  deviceId: v.string(),
  ts: timestamp('When it was measured'),
  seq: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.description('Of this gateway, from 1, without holes'),
  ),
  data: jsonObjectSchema,
});
const reading = {
  id: 'x7Kd0a-2s',
  deviceId: '9s9WdonY9',
  ts: 1763762400123,
  seq: 41,
  data: { temperature: 21.5 },
};
const deadline = v.optional(timestamp('When it is too late for this'));
const certificateReport = {
  requestId: 'r1',
  status: { eventType: 'requested' as const },
  signingRequest: '-----BEGIN CERTIFICATE REQUEST-----…',
};
const PLACE = '{projectId}/{gatewayId}';

export const CLOUD: Contract = {
  name: 'cloud',
  title: 'Cloud contract',
  description:
    'MQTT 5, or 3.1.1, over TLS with a client certificate, QoS 1 throughout. Outside production topics and the client id begin with `<NODE_ENV>-`.',
  server: { host: 'cloud.example:8883', protocol: 'secure-mqtt', protocolVersion: '5' },
  channels: [
    {
      name: 'createDevice',
      address: `discover/${PLACE}/device/post`,
      direction: 'gateReceives',
      summary: 'Create this device and pair it',
      payload: v.object({
        idIn: v.string(),
        name: v.string(),
        topic: v.optional(v.string()),
        deviceType: v.string(),
        parameters: v.optional(jsonObjectSchema),
        deadline,
      }),
      example: {
        idIn: '9s9WdonY9',
        name: 'sensor',
        topic: 'data/ZLS75DhL/3tjVYgQTw/9s9WdonY9',
        deviceType: '01c2fd9f-fb3a-45cf-8be3-97e00b7510c6',
        parameters: {},
      },
    },
    {
      name: 'installProtocol',
      address: `discover/${PLACE}/protocol/post`,
      direction: 'gateReceives',
      summary: 'Install a protocol',
      payload: v.object({
        protocolRecord: v.object({
          id: v.string(),
          slug: v.string(),
          parameters: v.optional(jsonObjectSchema),
        }),
        parameters: v.optional(jsonObjectSchema),
        deadline,
      }),
      example: { protocolRecord: { id: 'vRy6GTde', slug: 'zigbee', parameters: {} }, parameters: {} },
    },
    {
      name: 'updateProtocol',
      address: `discover/${PLACE}/protocol/update`,
      direction: 'gateReceives',
      summary: 'Update images of protocols',
      payload: v.array(v.object({ id: v.string(), slug: v.string() })),
      example: [{ id: 'instathings/knx2mqtt:1.0.1', slug: 'instathings/knx2mqtt' }],
    },
    {
      name: 'updateSoftware',
      address: `discover/${PLACE}/software/update`,
      direction: 'gateReceives',
      summary: 'Update the gateway itself',
      payload: v.object({ newSoftwareId: v.string(), deadline }),
      example: { newSoftwareId: 'instathings/gate:1.7.1' },
    },
    {
      name: 'set',
      address: `control/${PLACE}/{deviceId}/set`,
      direction: 'gateReceives',
      summary: 'Set a device: the payload as given',
      payload: jsonObjectSchema,
      example: { state: 'TOGGLE' },
    },
    {
      name: 'get',
      address: `control/${PLACE}/{deviceId}/get`,
      direction: 'gateReceives',
      summary: 'Ask a device for its status',
      payload: v.object({
        requestId: v.string(),
        deviceId: v.optional(v.string()),
        payload: v.optional(jsonObjectSchema),
        deadline,
      }),
      example: { requestId: 'IVdtfGYi', deviceId: '9s9WdonY9', payload: {} },
    },
    {
      name: 'remove',
      address: `control/${PLACE}/{deviceId}/remove`,
      direction: 'gateReceives',
      summary: 'Delete a device',
      payload: jsonObjectSchema,
      example: {},
    },
    {
      name: 'requestCertificate',
      address: `discover/${PLACE}/certificate/request`,
      direction: 'gateReceives',
      summary: 'Make a key and a request for its certificate',
      payload: v.object({ requestId: v.string(), deadline }),
      example: { requestId: 'r1' },
    },
    {
      name: 'putCertificate',
      address: `discover/${PLACE}/certificate/put`,
      direction: 'gateReceives',
      summary: 'The certificate that was requested: to be tried, and used from then on',
      payload: v.object({ requestId: v.string(), certificatePem: v.string(), deadline }),
      example: { requestId: 'r1', certificatePem: '-----BEGIN CERTIFICATE-----…' },
    },
    {
      name: 'certificate',
      address: `discover/${PLACE}/certificate`,
      direction: 'gateSends',
      summary: 'Where the renewal of the certificate stands',
      payload: v.object({
        requestId: v.string(),
        status: v.object({
          eventType: v.picklist(['requested', 'rotated', 'failed']),
          reason: v.optional(reasonSchema),
        }),
        signingRequest: v.optional(v.string()),
        fingerprint: v.optional(v.string()),
        expiresAt: v.optional(timestamp('When the new certificate expires')),
      }),
      example: certificateReport,
    },
    {
      name: 'data',
      address: `data/${PLACE}/{deviceId}`,
      direction: 'gateSends',
      summary: 'A reading, live',
      payload: relayed,
      example: reading,
    },
    {
      name: 'backlog',
      address: `data/${PLACE}`,
      direction: 'gateSends',
      summary: 'Readings that could not be sent live, in the order of `seq`; and what retention had to drop',
      payload: v.array(
        v.union([
          relayed,
          v.object({
            dropped: v.object({
              fromSeq: v.pipe(v.number(), v.integer()),
              toSeq: v.pipe(v.number(), v.integer()),
            }),
          }),
        ]),
      ),
      example: [reading, { dropped: { fromSeq: 42, toSeq: 99 } }],
    },
    {
      name: 'device',
      address: `discover/${PLACE}/device`,
      direction: 'gateSends',
      summary: 'Where a pairing stands',
      payload: v.object({
        deviceId: v.string(),
        status: v.object({
          eventType: v.picklist(['discovering', 'paired', 'not_paired']),
          reason: v.optional(reasonSchema),
        }),
      }),
      example: { deviceId: '9s9WdonY9', status: { eventType: 'paired' } },
    },
    {
      name: 'protocol',
      address: `discover/${PLACE}/protocol`,
      direction: 'gateSends',
      summary: 'How an installation ended',
      payload: v.object({
        dt_install: timestamp('When it was installed'),
        protocol: v.string(),
        protocolId: v.string(),
        exitStatus: v.pipe(v.number(), v.integer()),
        installationSuccess: v.boolean(),
        stdout: v.string(),
        stderr: v.string(),
        versions: v.record(v.string(), v.string()),
        newContainers: v.array(v.string()),
        reason: v.optional(reasonSchema),
      }),
      example: {
        dt_install: 1588930345554,
        protocol: 'automations',
        protocolId: 'vRy7GTde',
        exitStatus: 1,
        installationSuccess: false,
        stdout: '',
        stderr: '',
        versions: { gate: 'instathings/gate:1.7.1' },
        newContainers: [],
      },
    },
    {
      name: 'version',
      address: `discover/${PLACE}/version`,
      direction: 'gateSends',
      summary: 'The versions of everything, at every connection and when an update of gate has ended',
      payload: v.object({
        versions: v.record(v.string(), v.string()),
        update: v.optional(v.object({ version: v.string(), failure: v.optional(v.string()) })),
      }),
      example: { versions: { gate: 'instathings/gate:1.7.1' } },
    },
    {
      name: 'logs',
      address: `discover/${PLACE}/{container}/logs`,
      direction: 'gateSends',
      summary: 'What one program wrote in the last 5 s',
      payload: v.object({
        logs: v.array(
          v.object({
            message: v.string(),
            type: v.picklist(['LOG', 'ERR']),
            timestamp: timestamp('When it was written'),
          }),
        ),
      }),
      example: { logs: [{ message: 'Connecting...', type: 'LOG', timestamp: 1588863680585 }] },
    },
    {
      name: 'fetch',
      address: `control/${PLACE}/{deviceId}/fetch`,
      direction: 'gateSends',
      summary: 'What a device answered; `error` in place of `payload` when it did not',
      payload: v.union([
        v.object({
          payload: jsonValueSchema,
          requestId: v.string(),
          deviceId: v.string(),
          projectId: v.string(),
        }),
        v.object({ error: reasonSchema, requestId: v.string(), deviceId: v.string(), projectId: v.string() }),
      ]),
      example: {
        payload: { state: 'ON' },
        requestId: 'IVdtfGYi',
        deviceId: '9s9WdonY9',
        projectId: 'ZLS75DhL',
      },
    },
    {
      name: 'status',
      address: `discover/${PLACE}/status`,
      direction: 'gateSends',
      summary: 'Whether the gateway is connected; `disconnected` is its will',
      retained: true,
      payload: v.object({ eventType: v.picklist(['connected', 'disconnected']) }),
      example: { eventType: 'connected' },
    },
  ],
};
