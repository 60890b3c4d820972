/** The add-on contract: the very schemas by which the gateway reads and writes its messages. */
import * as v from 'valibot';
import {
  availabilityMessage,
  busTelegramsEvent,
  configMessage,
  dataMessage,
  eventMessage,
  requestMessage,
  resultMessage,
  stateMessage,
} from '../../contract/messages.ts';
import { ADDON_TOPIC_ROOT } from '../../contract/topics.ts';
import { CONTRACT_VERSION } from '../../contract/version.ts';
import type { Contract } from './channel.ts';

const BASE = `${ADDON_TOPIC_ROOT}/{slug}`;

export const ADDONS: Contract = {
  name: 'addon',
  title: `Add-on contract, version ${CONTRACT_VERSION}`,
  description:
    'Between the gateway and its add-ons, over the broker inside it. An add-on logs in with its slug, as user name and client id, and the token in its environment. QoS 1 throughout. `docs/specs/addon-contract.md` says the rest.',
  server: { host: '127.0.0.1:1883', protocol: 'mqtt', protocolVersion: '3.1.1' },
  channels: [
    {
      name: 'state',
      address: `${BASE}/state`,
      direction: 'gateReceives',
      summary: 'How the add-on is doing',
      retained: true,
      payload: stateMessage,
      example: { state: 'degraded', contract: 1, version: '1.4.0', reason: 'no stick in /dev/ttyUSB0' },
    },
    {
      name: 'config',
      address: `${BASE}/config`,
      direction: 'gateSends',
      summary: 'The parameters of the protocol, and its devices',
      retained: true,
      payload: configMessage,
      example: {
        parameters: { port: '/dev/ttyUSB0' },
        devices: [{ id: 'Kq81xTz0a', type: 'c3b1', parameters: {}, address: null }],
      },
    },
    {
      name: 'data',
      address: `${BASE}/devices/{deviceId}/data`,
      direction: 'gateReceives',
      summary: 'A reading; acknowledged once it is on disk',
      payload: dataMessage,
      example: { id: 'x7Kd0a-2s', ts: 1763762400123, data: { temperature: 21.5 } },
    },
    {
      name: 'availability',
      address: `${BASE}/devices/{deviceId}/availability`,
      direction: 'gateReceives',
      summary: 'Whether a device answers',
      payload: availabilityMessage,
      example: { online: false, reason: 'no answer for 5 minutes' },
    },
    {
      name: 'request',
      address: `${BASE}/requests/{requestId}`,
      direction: 'gateSends',
      summary: 'What the add-on shall do',
      payload: requestMessage,
      example: { method: 'set', deviceId: '9s9WdonY9', params: { state: 'ON' }, deadline: 1763762420000 },
    },
    {
      name: 'result',
      address: `${BASE}/results/{requestId}`,
      direction: 'gateReceives',
      summary: 'What came of it: exactly one for each request',
      payload: resultMessage,
      example: { ok: true, value: { state: 'ON' } },
    },
    {
      name: 'event',
      address: `${BASE}/events`,
      direction: 'gateReceives',
      summary: 'Progress of a pairing, a device that left, a link up or down',
      payload: eventMessage,
      example: { type: 'joined', deviceId: 'Kq81xTz0a' },
    },
    {
      name: 'busTelegrams',
      address: `${BASE}/events`,
      direction: 'gateReceives',
      summary: 'What the add-on hears on its bus, while somebody asked it to tell',
      payload: v.object({ type: v.literal('busTelegrams'), ...busTelegramsEvent.entries }),
      example: { type: 'busTelegrams', telegrams: [{ destination: '1/0/1', raw: '01' }], leftOut: 0 },
    },
  ],
};
