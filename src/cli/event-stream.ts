/** Live events off the gateway's plain WebSocket, one after the other. */
import type { IncomingMessage } from 'node:http';
import WebSocket, { type ClientOptions } from 'ws';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { NoGatewayError } from './no-gateway.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A terminal that takes nothing: what waits beyond this ends the stream. */
const WAITING_MAX = 10_000;

/** One message of the plain WebSocket. */
export interface GatewayEvent {
  action: string;
  payload: JsonObject;
}

export interface EventStreamParts {
  url: string;
  options: ClientOptions;
  /** The gateway, for messages. */
  where: string;
  signal: AbortSignal;
}

/** @throws NoGatewayError when there is no connection, GatewayError when it is refused */
export async function eventStream({ url, options, where, signal }: EventStreamParts) {
  const socket = new WebSocket(url, { ...options, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
  const waiting: GatewayEvent[] = [];
  let wake = () => {};
  let ended: Error | undefined;
  const end = (error: Error) => {
    ended ??= error;
    wake();
  };
  socket.on('message', (text) => {
    waiting.push(JSON.parse(String(text)) as GatewayEvent);
    if (waiting.length > WAITING_MAX) end(new GatewayError('internal', 'more came than could be shown'));
    wake();
  });
  socket.on('close', (_code, reason) =>
    end(new NoGatewayError('unavailable', `the connection to ${where} has ended: ${reason || 'broken off'}`)),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, answer) => void refusal(answer).then(reject));
    socket.on('error', (cause) =>
      reject(
        new NoGatewayError('unavailable', `${where} lets nobody listen to it: ${cause.message}`, { cause }),
      ),
    );
  });
  signal.addEventListener('abort', () => {
    socket.close();
    wake();
  });
  return (async function* (): AsyncGenerator<GatewayEvent, undefined> {
    try {
      for (;;) {
        yield* waiting.splice(0);
        if (signal.aborted) return;
        if (ended) throw ended;
        if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      socket.terminate();
    }
  })();
}

async function refusal(answer: IncomingMessage): Promise<GatewayError> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  try {
    const { message, code, hint } = JSON.parse(Buffer.concat(chunks).toString());
    return new GatewayError(code, message, hint === undefined ? {} : { hint });
  } catch (cause) {
    return new GatewayError('internal', `the gateway refused with ${answer.statusCode}`, { cause });
  }
}
