/**
 * The AsyncAPI 3.0 document: what the gateway sends and takes besides REST. Written from the schemas that validate,
 * where there are such: those of the add-on contract. Loaded when somebody asks for it.
 */
import { reasonSchema } from '../../model/device.ts';
import { notificationSchema } from '../views/notification-view.ts';
import { ADDONS } from './addon-contract.ts';
import type { Channel, Contract } from './channel.ts';
import { CLOUD } from './cloud-contract.ts';
import { eventsPage } from './events-page.ts';
import { WrittenSchemas } from './json-schema.ts';
import { SOCKETIO } from './socketio-contract.ts';
import { WEBSOCKET } from './websocket-contract.ts';

const API_VERSION = '1.0.0';

const ABOUT = [
  'What an on-premise IoT gateway sends and takes besides REST (which `/openapi.json` describes): events for applications on the premises, and MQTT with its add-ons and with the cloud.',
  'The add-on contract and the socket.io events are in force. The cloud contract is fixed, but this version does not speak it yet.',
].join('\n\n');

const CONTRACTS: readonly Contract[] = [SOCKETIO, WEBSOCKET, ADDONS, CLOUD];

const PARAMETERS: Readonly<Record<string, string>> = {
  slug: 'The name of the add-on',
  deviceId: 'Id of a device',
  requestId: 'Id of the request',
  projectId: 'Id of the project',
  gatewayId: 'Id of the gateway',
  container: '`gate`, or the name of a container',
};

type Json = Record<string, unknown>;

const NAMED = { Reason: reasonSchema, Notification: notificationSchema };

function writtenSchemas(): WrittenSchemas {
  const payloads = CONTRACTS.flatMap(({ channels }) => channels.map(({ payload }) => payload));
  return new WrittenSchemas(NAMED, payloads);
}

/** `/docs/events`. */
export function eventsHtml(): string {
  const written = writtenSchemas();
  return eventsPage({ contracts: CONTRACTS, schemaOf: ({ payload }) => written.of(payload) });
}

export function asyncApiDocument(): Json {
  const written = writtenSchemas();
  const all = CONTRACTS.flatMap((contract) => contract.channels.map((channel) => ({ contract, channel })));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'gate: events and MQTT',
      version: API_VERSION,
      description: ABOUT,
      tags: CONTRACTS.map(({ name, description }) => ({ name, description })),
    },
    defaultContentType: 'application/json',
    servers: Object.fromEntries(
      CONTRACTS.map(({ name, title, description, server }) => [name, { ...server, title, description }]),
    ),
    channels: Object.fromEntries(
      all.map(({ contract, channel }) => [keyOf(contract, channel), channelOf(contract, channel)]),
    ),
    operations: Object.fromEntries(
      all.map(({ contract, channel }) => [keyOf(contract, channel), operationOf(contract, channel)]),
    ),
    components: {
      schemas: written.components,
      messages: Object.fromEntries(
        all.map(({ contract, channel }) => [
          keyOf(contract, channel),
          {
            name: channel.name,
            summary: channel.summary,
            contentType: 'application/json',
            payload: written.of(channel.payload),
            examples: [{ payload: channel.example }],
          },
        ]),
      ),
    },
  };
}

function channelOf(contract: Contract, channel: Channel): Json {
  const names = [...channel.address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const key = keyOf(contract, channel);
  return {
    address: channel.address,
    title: channel.name,
    summary: channel.summary,
    ...(channel.description === undefined ? {} : { description: channel.description }),
    servers: [{ $ref: `#/servers/${contract.name}` }],
    ...(names.length === 0
      ? {}
      : {
          parameters: Object.fromEntries(
            names.map((name) => [name, { description: PARAMETERS[name] ?? name }]),
          ),
        }),
    messages: { [channel.name]: { $ref: `#/components/messages/${key}` } },
  };
}

function operationOf(contract: Contract, channel: Channel): Json {
  const key = keyOf(contract, channel);
  const isMqtt = contract.server.protocol.endsWith('mqtt');
  return {
    action: channel.direction === 'gateSends' ? 'send' : 'receive',
    channel: { $ref: `#/channels/${key}` },
    summary: channel.summary,
    tags: [{ name: contract.name }],
    messages: [{ $ref: `#/channels/${key}/messages/${channel.name}` }],
    ...(isMqtt ? { bindings: { mqtt: { qos: 1, retain: channel.retained ?? false } } } : {}),
  };
}

function keyOf(contract: Contract, channel: Channel): string {
  return `${contract.name}.${channel.name}`;
}
