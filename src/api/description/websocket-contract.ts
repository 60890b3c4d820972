/** The plain WebSocket: the documented events of the cloud, `{action, payload}` each. */
import * as v from 'valibot';
import { jsonObjectSchema, jsonValueSchema } from '../../model/device.ts';
import { clockSchema, timestamp } from '../schemas.ts';
import type { Channel, Contract } from './channel.ts';
import { SOCKETIO } from './socketio-contract.ts';

const ttl = v.pipe(v.number(), v.integer(), v.description('Second since 1970 at which it is forgotten'));

/** The readings and answers have the cloud's form here; everything else is what socket.io's clients are told. */
const SHAPED_FOR_SOCKETIO = new Set(['data', 'dataOfDevice', 'status', 'statusOfDevice', 'device']);

function event(action: string, summary: string, payload: v.GenericSchema, example: unknown): Channel {
  return {
    name: action,
    address: '/',
    direction: 'gateSends',
    summary,
    payload: v.object({ action: v.literal(action), payload }),
    example: { action, payload: example },
  };
}

export const WEBSOCKET: Contract = {
  name: 'websocket',
  title: 'Plain WebSocket',
  description:
    'At `/?project=<projectId>&access_token=<token>` on the port of the REST API: each message is JSON, `{action, payload}`, as the published document has it for the cloud.',
  server: { host: 'localhost:1234', protocol: 'ws', pathname: '/' },
  channels: [
    event(
      'data',
      'A device has sent data',
      v.object({
        id: v.string(),
        clientId: v.pipe(v.string(), v.description('The gateway')),
        principal: v.pipe(v.string(), v.description('SHA-256 of the gateway’s certificate, or `N/A`')),
        ts: timestamp('When it was measured'),
        ttl,
        deviceId: v.string(),
        data: jsonObjectSchema,
        clock: clockSchema,
      }),
      {
        id: '7dec7c01-949c-4615-9d09-7680e702080e',
        clientId: '3tjVYgQTw',
        principal: '0e8833aadad2ed060965b102ef40fc44c647c1bec9f5a51056beddab0efac57e',
        ts: 1588925769193,
        ttl: 1904285769,
        deviceId: 'f0xqzIBCt',
        data: { data: 81 },
      },
    ),
    event(
      'status',
      'A device has answered a status request',
      v.object({
        projectId: v.string(),
        response: jsonValueSchema,
        ttl: v.optional(ttl),
        deviceId: v.string(),
        id: v.pipe(v.optional(v.string()), v.description('The operation’s id')),
      }),
      {
        projectId: 'JtjYANUvs',
        response: { type: 'data', message: { data: { overtemperature: false, temperature: 37.35 } } },
        ttl: 1589640897,
        deviceId: '0_Rs0iIRW',
        id: 'B9z87nrYo',
      },
    ),
    ...SOCKETIO.channels
      .filter(({ name }) => !SHAPED_FOR_SOCKETIO.has(name))
      .map(({ name, summary, payload, example }) => event(name, summary, payload, example)),
  ],
};
