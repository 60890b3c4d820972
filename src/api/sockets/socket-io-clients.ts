/**
 * The socket.io clients, Engine.IO 3 and 4 alike, on every server this is attached to. An event is encoded once,
 * whoever listens. A client that does not keep up is cut: see `cutSlowClients`.
 *
 * socket.io is loaded for the first client: a gateway without one does without its 4 MB.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DefaultEventsMap, Server, Socket as SocketIoSocket } from 'socket.io';
import type { Logger } from '../../lib/logger.ts';
import { answerOf } from '../error-table.ts';
import type { Origins } from '../origins.ts';
import { answerAndClose } from '../raw-answer.ts';
import type { EventKind } from '../views/event-view.ts';
import { type HandshakeQuery, roomOf, SHARED_NAMES_ONLY } from './narrowing.ts';
import { OUTGOING_MAX_BYTES, Outgoing } from './outgoing.ts';
import { handshakeQuery, type SocketAdmission, tokenFrom } from './socket-admission.ts';

export const SOCKET_IO_PATH = '/socket.io/';
/** Clients send nothing but the protocol's own packets. */
const INCOMING_MAX_BYTES = 16 * 1024;
const PING_INTERVAL_MS = 25_000;
const PING_TIMEOUT_MS = 20_000;

/** What is kept with a socket: the rooms its handshake asked for. */
type SocketData = { rooms: string[] };
type Socket = SocketIoSocket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;
type SocketIo = Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

/** To whom an event is emitted. */
export type Listeners = ReturnType<SocketIo['to']>;

export interface SocketIoClientsParts {
  admission: SocketAdmission;
  origins: Origins;
  /** Called for each client that was let in, with the rooms it is in. */
  onWelcome: (client: { rooms: readonly string[]; emit: (event: string, payload: unknown) => void }) => void;
  logger: Logger;
}

export class SocketIoClients {
  readonly #parts: SocketIoClientsParts;
  readonly #servers: HttpServer[] = [];
  #loading: Promise<void> | undefined;
  /** Undefined until the first client comes. */
  #io: SocketIo | undefined;
  readonly #outgoing = new Map<Socket, Outgoing>();
  /** TCP connections that a polling session moved to, by session. */
  readonly #upgrades = new Map<string, Duplex>();
  #slowClients = 0;

  constructor(parts: SocketIoClientsParts) {
    this.#parts = parts;
  }

  /** How many clients there are just now. */
  get clients(): number {
    return this.#outgoing.size;
  }

  /** How many clients were cut because they did not keep up. */
  get slowClients(): number {
    return this.#slowClients;
  }

  /** Before `server` listens. */
  attach(server: HttpServer): void {
    this.#servers.push(server);
    const listeners = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (this.#io || !isForSocketIo(request)) {
        for (const listener of listeners) listener.call(server, request, response);
        return;
      }
      this.#load().then(
        () => server.emit('request', request, response),
        (error: unknown) => answerOver(response, error),
      );
    });
    server.on('upgrade', (request, connection, head) => {
      if (this.#io || !isForSocketIo(request)) return;
      this.#load().then(
        () => server.emit('upgrade', request, connection, head),
        (error: unknown) => answerAndClose(connection, error),
      );
    });
  }

  #load(): Promise<void> {
    this.#loading ??= this.#start().catch((error: unknown) => {
      // not kept when it failed
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #start(): Promise<void> {
    const { Server } = await import('socket.io');
    const { origins } = this.#parts;
    const io: SocketIo = new Server({
      allowEIO3: true,
      serveClient: false,
      transports: ['polling', 'websocket'],
      maxHttpBufferSize: INCOMING_MAX_BYTES,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      // on a LAN it would cost more time than it saves
      perMessageDeflate: false,
      httpCompression: false,
      // other upgrades are not socket.io's to end
      destroyUpgrade: false,
      cors: { origin: origins.any ? '*' : origins.list },
    });
    io.use((socket, next) => {
      void this.#admit(socket).then(next);
    });
    io.on('connection', (socket) => this.#welcome(socket));
    for (const server of this.#servers) this.#serve(server, io);
    this.#io = io;
  }

  #serve(server: HttpServer, io: SocketIo): void {
    io.attach(server);
    // each `attach` has its own engine
    const { engine } = io;
    engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      void this.#knock(request, response, next);
    });
    engine.on('connection', (connection: Socket['conn']) => this.#occupy(connection));
    server.on('upgrade', (request, connection) => this.#noteUpgrade(request, connection));
  }

  stop(): void {
    this.#io?.disconnectSockets(true);
  }

  /** Who wants this kind of event, of this device where it is one's; undefined when nobody does. */
  listeners(kind: EventKind, deviceId?: string): Listeners | undefined {
    const io = this.#io;
    if (!io) return undefined;
    const { rooms } = io.sockets.adapter;
    const [every, narrowed] = [roomOf(kind), roomOf(kind, deviceId)];
    return rooms.has(every) || rooms.has(narrowed) ? io.to([every, narrowed]) : undefined;
  }

  /** Who of `to` also wants events that are called by a device's id; undefined where nobody does. */
  wantingDeviceNames(to: Listeners): Listeners | undefined {
    const declined = this.#io?.sockets.adapter.rooms.get(SHARED_NAMES_ONLY)?.size ?? 0;
    if (declined === 0) return to;
    // the usual case of a dashboard alone: nothing is encoded for nobody
    return declined === this.#io?.sockets.sockets.size ? undefined : to.except(SHARED_NAMES_ONLY);
  }

  /**
   * Cuts who has more than `OUTGOING_MAX_BYTES` of events waiting. Called before each commit's events are told, so that
   * a queue never holds more than that and one commit.
   */
  cutSlowClients(): void {
    for (const [socket, outgoing] of this.#outgoing) {
      const { pendingBytes } = outgoing;
      if (pendingBytes <= OUTGOING_MAX_BYTES) continue;
      this.#slowClients += 1;
      const client = socket.handshake.address;
      this.#parts.logger.warn({ client, pendingBytes }, 'a socket.io client does not keep up: disconnected');
      outgoing.cut();
    }
  }

  /** The HTTP side of a handshake. Later requests of a session have its id, and were let in with it. */
  async #knock(request: IncomingMessage, response: ServerResponse, next: () => void): Promise<void> {
    const query = handshakeQuery(request);
    if (query['sid'] !== undefined) return next();
    const token = query['access_token'];
    try {
      await this.#parts.admission.knock(request, typeof token === 'string' ? token : undefined);
    } catch (error) {
      // in an upgrade's place stands something that can only end
      if ('headersSent' in response) answerOver(response, error);
      else answerAndClose(request.socket, error);
      return;
    }
    next();
  }

  #occupy(connection: Socket['conn']): void {
    try {
      connection.once('close', this.#parts.admission.occupy(connection.request));
    } catch {
      // the last place went to another handshake of the same moment
      connection.close();
    }
  }

  /** Undefined lets the socket in; an error becomes its `connect_error` (`error` for 2.x clients). */
  async #admit(socket: Socket): Promise<Error | undefined> {
    const { admission } = this.#parts;
    const { query, auth } = socket.handshake;
    try {
      const token = tokenFrom(auth['token'] ?? query['access_token']);
      const { caller, rooms } = await admission.admit(socket.request, token, query as HandshakeQuery);
      socket.data.rooms = rooms;
      // it may have left while its token was looked at: nothing would ever end what is begun here
      if (socket.conn.readyState === 'closed') return undefined;
      const dispose = admission.endWith(caller, () => {
        socket.disconnect(true);
        // one that is still being let in is not yet its server's to disconnect
        socket.conn.close();
      });
      socket.conn.once('close', dispose);
      return undefined;
    } catch (error) {
      return refusalFor(socket, error);
    }
  }

  #welcome(socket: Socket): void {
    const { rooms } = socket.data;
    socket.join(rooms);
    this.#outgoing.set(socket, new Outgoing(socket.conn, (sessionId) => this.#upgrades.get(sessionId)));
    socket.on('disconnect', () => this.#outgoing.delete(socket));
    this.#parts.onWelcome({ rooms, emit: (event, payload) => socket.emit(event, payload) });
  }

  #noteUpgrade({ url = '/' }: IncomingMessage, connection: Duplex): void {
    const sessionId = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('sid');
    if (sessionId === null) return;
    this.#upgrades.set(sessionId, connection);
    connection.on('close', () => {
      if (this.#upgrades.get(sessionId) === connection) this.#upgrades.delete(sessionId);
    });
  }
}

function isForSocketIo({ url = '/' }: IncomingMessage): boolean {
  return url.startsWith(SOCKET_IO_PATH);
}

function answerOver(response: ServerResponse, thrown: unknown): void {
  const { status, headers, body } = answerOf(thrown);
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

/** In words for all clients, with the code beside them for those of 4.x. */
function refusalFor(socket: Socket, thrown: unknown): Error {
  const { body } = answerOf(thrown);
  const data = { code: body.code, ...(body.hint === undefined ? {} : { hint: body.hint }) };
  // a 2.x client is sent `data` in place of the words where there is any
  return Object.assign(new Error(body.message), socket.conn.protocol === 3 ? {} : { data });
}
