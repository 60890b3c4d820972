/**
 * An HTTP server that a slow or hostile peer cannot hold up: every phase of a request has its time, headers and
 * connections their number. What is not HTTP is answered in the API's own error form and closed.
 */
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pause } from '../lib/deadline.ts';
import { GatewayError } from '../model/error.ts';
import { answerOf } from './error-table.ts';

export const HEADERS_MAX_BYTES = 16 * 1024;
export const CONNECTIONS_MAX = 1_024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 5_000;

/** A server together with its open connections, those that became WebSockets included. */
export class HttpServer {
  readonly server: Server;
  readonly #connections = new Set<Socket>();

  constructor(parts: { listener: RequestListener; onConnection: (connection: Socket) => void }) {
    this.server = createServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
        maxHeaderSize: HEADERS_MAX_BYTES,
      },
      parts.listener,
    );
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.on('clientError', answerClientError);
    this.server.on('connection', (connection: Socket) => {
      this.#connections.add(connection);
      connection.on('close', () => this.#connections.delete(connection));
      parts.onConnection(connection);
    });
  }

  /** Takes no new connections; requests under way have `graceMs` to end, then their connections are cut. */
  async close(graceMs: number): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    const abort = new AbortController();
    await Promise.race([closed, pause(graceMs, abort.signal)]);
    abort.abort();
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }
}

function answerClientError(error: NodeJS.ErrnoException, connection: Duplex): void {
  if (error.code === 'ECONNRESET' || !connection.writable) {
    connection.destroy();
    return;
  }
  const { status, body } = answerOf(meaningOf(error));
  const text = JSON.stringify(body);
  connection.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Connection: close',
      '',
      text,
    ].join('\r\n'),
    // a peer that keeps its half open must not keep ours
    () => connection.destroy(),
  );
}

function meaningOf(error: NodeJS.ErrnoException): GatewayError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new GatewayError('headersTooLarge', `headers may have at most ${HEADERS_MAX_BYTES} bytes`);
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new GatewayError('badRequest', 'the request took too long to arrive');
  }
  return new GatewayError('badRequest', 'this is not an HTTP request');
}
