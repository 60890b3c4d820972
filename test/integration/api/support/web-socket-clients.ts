/** The `ws` client as an application uses it, and handshakes whose refusal is read as HTTP. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import type { JsonObject } from '../../../../src/model/json.ts';
import { type ApiUnderTest, PROJECT_ID } from './api-under-test.ts';

export interface Told {
  action: string;
  payload: JsonObject;
}

export interface WebSocketClient {
  socket: WebSocket;
  received: Told[];
  /** Resolves with the first payload of `action`, also one that has come already. */
  told(action: string): Promise<JsonObject>;
  /** Resolves with the code and the reason that the server ended with. */
  closed: Promise<{ code: number; reason: string }>;
}

export interface WebSocketOptions {
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Takes the certificate of this authority. */
  ca?: string;
}

/** Resolves once it is open. */
export function connectWebSocket(
  gate: ApiUnderTest,
  { query = {}, headers = {}, ca }: WebSocketOptions = {},
): Promise<WebSocketClient> {
  const url = `${gate.url.replace('http', 'ws')}/?${new URLSearchParams({ project: PROJECT_ID, ...query })}`;
  return opened(new WebSocket(url, { headers, ...(ca === undefined ? {} : { ca }) }));
}

/** Over `gate.sock`. */
export function connectLocalWebSocket(gate: ApiUnderTest): Promise<WebSocketClient> {
  return opened(new WebSocket(`ws+unix://${gate.socketPath}:/?project=${PROJECT_ID}`));
}

function opened(socket: WebSocket): Promise<WebSocketClient> {
  const received: Told[] = [];
  const waiting: { action: string; resolve: (payload: JsonObject) => void }[] = [];
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? { action: 'binary', payload: {} } : (JSON.parse(String(data)) as Told);
    received.push(message);
    for (const { action, resolve } of waiting) if (action === message.action) resolve(message.payload);
  });
  const client: WebSocketClient = {
    socket,
    received,
    told: (action) =>
      new Promise((resolve) => {
        const before = received.find((message) => message.action === action);
        if (before) resolve(before.payload);
        else waiting.push({ action, resolve });
      }),
    closed: new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
    }),
  };
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client));
    socket.once('error', reject);
  });
}

export interface Refusal {
  status: number;
  headers: IncomingHttpHeaders;
  body: JsonObject;
}

/** A handshake as RFC 6455, 4.1 has it, and its answer; `undefined` when it was let in. */
export function handshake(
  gate: ApiUnderTest,
  path: string,
  headers: Record<string, string> = {},
  localAddress?: string,
): Promise<Refusal | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port: gate.port,
      path,
      ...(localAddress === undefined ? {} : { localAddress }),
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('upgrade', (_response, connection) => {
      connection.destroy();
      resolve(undefined);
    });
    request.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }),
      );
    });
    request.end();
  });
}
