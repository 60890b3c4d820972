/** socket.io clients of both generations behind one small face, and raw ones that take nothing. */
import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { io as connect4 } from 'socket.io-client';
import connect2 from 'socket.io-client-2';
import type { JsonValue } from '../../../../src/model/json.ts';
import type { ApiUnderTest } from './api-under-test.ts';

export const GENERATIONS = ['2.x', '4.x'] as const;
export type Generation = (typeof GENERATIONS)[number];
export const TRANSPORTS = [['websocket'], ['polling'], ['polling', 'websocket']] as const;

export interface ClientOptions {
  transports?: readonly string[];
  query?: Record<string, string>;
  /** For 4.x: what its handshake proves itself with. */
  auth?: Record<string, string>;
  headers?: Record<string, string>;
  /** Takes the certificate of this authority. */
  ca?: string;
}

export interface Client {
  /** The payloads of each event so far. */
  received: Map<string, JsonValue[]>;
  /** Resolves with the next payload of `event`. */
  next(event: string): Promise<JsonValue>;
  /** Resolves when the server has ended the connection. */
  disconnected: Promise<void>;
  close(): void;
}

interface AnySocket {
  on(event: string, listener: (payload: never) => void): unknown;
  once(event: string, listener: (payload: never) => void): unknown;
  close(): unknown;
}

/** Resolves once connected; rejects with the words of the refusal. */
export function connectClient(
  gate: ApiUnderTest,
  generation: Generation,
  events: readonly string[],
  { transports = ['websocket'], query = {}, auth, headers = {}, ca }: ClientOptions = {},
): Promise<Client> {
  const options = {
    transports: [...transports],
    query,
    ...(auth === undefined ? {} : { auth }),
    extraHeaders: headers,
    // 2.x has its headers by transport, and none for the WebSocket that Node itself brings
    transportOptions: { polling: { extraHeaders: headers } },
    ...(ca === undefined ? {} : { ca }),
    forceNew: true,
    reconnection: false,
  };
  const socket: AnySocket = generation === '4.x' ? connect4(gate.url, options) : connect2(gate.url, options);
  const received = new Map<string, JsonValue[]>();
  for (const event of events) {
    socket.on(event, (payload) => received.set(event, [...(received.get(event) ?? []), payload]));
  }
  const client: Client = {
    received,
    next: (event) => new Promise((resolve) => socket.once(event, resolve)),
    disconnected: new Promise((resolve) => socket.once('disconnect', () => resolve())),
    close: () => socket.close(),
  };
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(client));
    const refuse = (error: Error | string) => {
      socket.close();
      reject(typeof error === 'string' ? new Error(error) : error);
    };
    socket.once('connect_error', refuse);
    socket.once('error', refuse);
  });
}

/** A WebSocket that joined as socket.io 4 does and from then on reads nothing. */
export function connectDeaf(gate: ApiUnderTest): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${gate.url}/socket.io/?EIO=4&transport=websocket`, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    request.on('error', reject);
    request.on('upgrade', (_response, connection) => {
      connection.on('error', () => {});
      // the frame "40" (join the main namespace), masked with zeros as RFC 6455, 5.3 lets a client
      connection.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]));
      connection.pause();
      resolve(connection);
    });
    request.end();
  });
}
