/**
 * An HTTP server that a slow or hostile peer cannot hold up: every phase of a request has its time, headers and
 * connections their number. What is not HTTP is answered in the API's own error form and closed; so is plain HTTP on a
 * port that speaks TLS.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pause } from '../lib/deadline.ts';
import { GatewayError } from '../model/error.ts';
import { addressKey } from './caller-address.ts';
import type { CertificatePair } from './certificates/certificate-pair.ts';
import { answerAndClose, closeAfter } from './raw-answer.ts';

export const HEADERS_MAX_BYTES = 16 * 1024;
export const CONNECTIONS_MAX = 1_024;
/** Of these from one address of the network, so that one caller does not shut out all others. */
export const CONNECTIONS_PER_ADDRESS_MAX = 512;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 5_000;
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
const TLS_MIN_VERSION = 'TLSv1.2';
/** RFC 8446, 5.1: the content type of a handshake record, with which every TLS connection begins. */
const TLS_HANDSHAKE = 0x16;

const OPTIONS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
  maxHeaderSize: HEADERS_MAX_BYTES,
  // a request that offers anything else, HTTP/2 for example, is answered as if it did not
  shouldUpgradeCallback: ({ headers }: { headers: { upgrade?: string | undefined } }) =>
    headers.upgrade?.toLowerCase() === 'websocket',
};

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

export interface HttpServerParts {
  listener: RequestListener;
  onConnection: (connection: Socket) => void;
  /** Speaks TLS: `useCertificate` before it listens. */
  tls?: boolean;
}

/** A server together with its open connections, those that became WebSockets included. */
export class HttpServer {
  readonly server: Server;
  readonly #secure: HttpsServer | undefined;
  readonly #connections = new Set<Socket>();
  /** Connections from each address of the network. */
  readonly #openOf = new Map<string, number>();
  /** The latest request of each connection. */
  readonly #exchanges = new WeakMap<Duplex, Exchange>();

  constructor({ listener, onConnection, tls = false }: HttpServerParts) {
    this.#secure = tls ? createSecureServer(listener) : undefined;
    this.server = this.#secure ?? createServer(OPTIONS, listener);
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.on('request', (request, response) => {
      this.#exchanges.set(request.socket, { request, response });
    });
    this.server.on('clientError', (error, connection) =>
      answerClientError(error, connection, this.#exchanges.get(connection)),
    );
    this.server.on('upgrade', (_request, connection) => connection.on('error', () => connection.destroy()));
    const note = (connection: Socket) => {
      this.#connections.add(connection);
      connection.on('close', () => this.#connections.delete(connection));
    };
    this.server.prependListener('connection', (connection: Socket) => {
      if (!this.#hasRoomFor(connection)) return void connection.destroy();
      note(connection);
      onConnection(connection);
    });
    this.#secure?.on('secureConnection', note);
  }

  /** A Unix socket has no address, and no such bound. */
  #hasRoomFor(connection: Socket): boolean {
    if (connection.remoteAddress === undefined) return true;
    const address = addressKey(connection.remoteAddress);
    const open = this.#openOf.get(address) ?? 0;
    if (open >= CONNECTIONS_PER_ADDRESS_MAX) return false;
    this.#openOf.set(address, open + 1);
    connection.once('close', () => {
      const left = (this.#openOf.get(address) ?? 1) - 1;
      if (left === 0) this.#openOf.delete(address);
      else this.#openOf.set(address, left);
    });
    return true;
  }

  /** New connections are shown this certificate; those there are go on. */
  useCertificate({ certificate, key }: CertificatePair): void {
    this.#secure?.setSecureContext({ cert: certificate, key, minVersion: TLS_MIN_VERSION });
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

function createSecureServer(listener: RequestListener): HttpsServer {
  const server = createHttpsServer(
    { ...OPTIONS, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS, minVersion: TLS_MIN_VERSION },
    listener,
  );
  const [speakTls] = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (connection: Socket) =>
    whenItSpeaks(connection, () => speakTls?.call(server, connection)),
  );
  return server;
}

/** Hands a connection on if it begins as TLS does; whoever speaks plain HTTP is told so. */
function whenItSpeaks(connection: Socket, speakTls: () => void): void {
  const give = () => connection.destroy();
  connection.setTimeout(TLS_HANDSHAKE_TIMEOUT_MS, give);
  connection.once('error', give);
  connection.once('end', give);
  connection.once('data', (first) => {
    connection.setTimeout(0);
    connection.off('timeout', give);
    connection.off('end', give);
    if (first[0] !== TLS_HANDSHAKE) {
      answerAndClose(connection, plainHttpError());
      return;
    }
    connection.off('error', give);
    connection.pause();
    connection.unshift(first);
    speakTls();
  });
}

function plainHttpError(): GatewayError {
  return new GatewayError('badRequest', 'this port speaks HTTPS, and this is not TLS', {
    hint: 'begin the address with https:// (wss:// for a WebSocket)',
  });
}

function answerClientError(
  error: NodeJS.ErrnoException,
  connection: Duplex,
  exchange: Exchange | undefined,
): void {
  // what the HTTP parser says; anything else, a failed TLS handshake for example, leaves nobody to talk to
  if (!/^(HPE_|ERR_HTTP_)/.test(error.code ?? '')) {
    connection.destroy();
    return;
  }
  const open = exchange?.response.closed === false ? exchange : undefined;
  if (open?.request.complete) {
    // a whole request is being answered, and what came behind it is none: that answer is the connection's last
    if (!open.response.headersSent) open.response.setHeader('Connection', 'close');
    open.response.once('close', () => closeAfter(connection));
    return;
  }
  answerAndClose(connection, meaningOf(error), { headOnly: open?.request.method === 'HEAD' });
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
