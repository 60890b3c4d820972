/**
 * The plain WebSocket of the published API, at `/?project=…&access_token=…`: each event is one text message, the JSON of
 * `{action, payload}`. A refused handshake is answered with a status and the API's error form. A message is encoded
 * once, whoever listens. Clients have nothing to say: what they send is bounded, and answered once with an error.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Dispose } from '../../lib/event-bus.ts';
import type { Logger } from '../../lib/logger.ts';
import { GatewayError } from '../../model/error.ts';
import { answerOf } from '../error-table.ts';
import { answerAndClose } from '../raw-answer.ts';
import type { EventKind } from '../views/event-view.ts';
import { type HandshakeQuery, roomOf } from './narrowing.ts';
import { OUTGOING_MAX_BYTES } from './outgoing.ts';
import { handshakeQuery, type SocketAdmission, tokenFrom } from './socket-admission.ts';
import { SOCKET_IO_PATH } from './socket-io-clients.ts';

const INCOMING_MAX_BYTES = 16 * 1024;
/** How often a client is asked whether it is there; one that has not answered by the next time is cut. */
const PING_INTERVAL_MS = 25_000;
/** How long a client has to answer a closing handshake. */
const CLOSE_TIMEOUT_MS = 2_000;
/** RFC 6455, 7.4.1 */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

export interface WebSocketMessage {
  action: string;
  payload: unknown;
}

export interface WebSocketClientsParts {
  admission: SocketAdmission;
  /** The one project whose events there are here. */
  projectId: string;
  /** Called for each client that was let in, with the rooms it is in. */
  onWelcome: (client: { rooms: readonly string[]; send: (message: WebSocketMessage) => void }) => void;
  logger: Logger;
  pingIntervalMs?: number;
}

interface Client {
  socket: WebSocket;
  /** What the frames leave by: corked, many of them leave in one system call. */
  wire: Duplex;
  address: string | undefined;
  rooms: readonly string[];
  /** It has answered since it was last asked. */
  alive: boolean;
  toldOff: boolean;
}

export class WebSocketClients {
  readonly #parts: WebSocketClientsParts;
  readonly #clients = new Set<Client>();
  readonly #rooms = new Map<string, Set<Client>>();
  /** Made for the first client: a gateway without one does not load what it takes. */
  #server: Promise<WebSocketServer> | undefined;
  #pings: NodeJS.Timeout | undefined;
  #stopped = false;
  #slowClients = 0;

  constructor(parts: WebSocketClientsParts) {
    this.#parts = parts;
  }

  /** How many clients there are just now. */
  get clients(): number {
    return this.#clients.size;
  }

  /** How many clients were cut because they did not keep up. */
  get slowClients(): number {
    return this.#slowClients;
  }

  /** Before `server` listens. Takes every upgrade but socket.io's. */
  attach(server: HttpServer): void {
    server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
      if (request.url?.startsWith(SOCKET_IO_PATH)) return;
      void this.#onUpgrade(request, connection, head);
    });
  }

  /** Says goodbye to everyone, and takes nobody any more. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#pings);
    for (const client of [...this.#clients]) this.#end(client, GOING_AWAY, 'the gateway stops');
  }

  /** Whether anybody wants this kind of event, of this device where it is one's. */
  hears(kind: EventKind, deviceId?: string): boolean {
    if (this.#rooms.size === 0) return false;
    return this.#rooms.has(roomOf(kind)) || this.#rooms.has(roomOf(kind, deviceId));
  }

  tell(kind: EventKind, deviceId: string | undefined, message: WebSocketMessage): void {
    const frame = Buffer.from(JSON.stringify(message));
    const rooms = deviceId === undefined ? [roomOf(kind)] : [roomOf(kind), roomOf(kind, deviceId)];
    // nobody is in both: a socket names devices or none
    for (const room of rooms) {
      for (const { socket } of this.#rooms.get(room) ?? []) socket.send(frame, { binary: false });
    }
  }

  /** Runs `tell` for many events: they leave together. */
  batch(tell: () => void): void {
    for (const { wire } of this.#clients) wire.cork();
    tell();
    for (const { wire } of this.#clients) wire.uncork();
  }

  /** Cuts who has more than `OUTGOING_MAX_BYTES` waiting, as `SocketIoClients` does. */
  cutSlowClients(): void {
    for (const client of this.#clients) {
      const { bufferedAmount: pendingBytes } = client.socket;
      if (pendingBytes <= OUTGOING_MAX_BYTES) continue;
      this.#slowClients += 1;
      this.#parts.logger.warn(
        { client: client.address, pendingBytes },
        'a WebSocket client does not keep up: disconnected',
      );
      this.#leave(client);
      client.socket.terminate();
    }
  }

  async #onUpgrade(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    const { admission } = this.#parts;
    let release: Dispose | undefined;
    try {
      if (request.url?.split('?')[0] !== '/') {
        throw new GatewayError('notFound', 'there is no WebSocket at this path', {
          hint: 'it is at /?project=<project>&access_token=<token>; socket.io is at /socket.io/',
        });
      }
      if (this.#stopped) throw new GatewayError('unavailable', 'the gateway stops');
      const query = handshakeQuery(request);
      const token = query['access_token'];
      await admission.knock(request, typeof token === 'string' ? token : undefined);
      const admitted = await admission.admit(request, tokenFrom(token), query);
      this.#checkProject(query);
      const server = await this.#serverOf();
      if (connection.destroyed || this.#stopped) return void connection.destroy();
      release = admission.occupy(request);
      connection.once('close', release);
      server.handleUpgrade(request, connection, head, (socket) =>
        this.#welcome({ socket, wire: connection, request, ...admitted }),
      );
    } catch (error) {
      const { shown } = answerOf(error);
      if (!shown) this.#parts.logger.error({ err: error }, 'a WebSocket handshake failed');
      answerAndClose(connection, error);
    }
  }

  #serverOf(): Promise<WebSocketServer> {
    this.#server ??= import('ws').then(({ WebSocketServer }) => {
      const server = new WebSocketServer({
        noServer: true,
        clientTracking: false,
        maxPayload: INCOMING_MAX_BYTES,
        // on a LAN it would cost more time than it saves
        perMessageDeflate: false,
      });
      server.on('wsClientError', ({ message }, connection) => {
        answerAndClose(
          connection,
          new GatewayError('badRequest', `this is no WebSocket handshake: ${message}`),
        );
      });
      return server;
    });
    return this.#server;
  }

  /** @throws GatewayError badRequest, forbidden */
  #checkProject({ project }: HandshakeQuery): void {
    if (project === this.#parts.projectId) return;
    if (typeof project !== 'string' || project === '') {
      throw new GatewayError('badRequest', 'query: "project" must be given once', {
        errors: [{ field: 'project', message: 'must be given once' }],
        hint: '"projectId" of each device is the project of this gateway',
      });
    }
    throw new GatewayError('forbidden', `this gateway does not belong to project "${project}"`, {
      hint: '"projectId" of each device is the project of this gateway',
    });
  }

  #welcome({
    socket,
    wire,
    request,
    caller,
    rooms,
  }: {
    socket: WebSocket;
    wire: Duplex;
    request: IncomingMessage;
  } & Awaited<ReturnType<SocketAdmission['admit']>>): void {
    const address = request.socket.remoteAddress;
    const client: Client = { socket, wire, address, rooms, alive: true, toldOff: false };
    const dispose = this.#parts.admission.endWith(caller, () =>
      this.#end(client, POLICY_VIOLATION, 'the token has expired or is void'),
    );
    socket.on('close', () => {
      dispose();
      this.#leave(client);
    });
    // the connection is closed by then, with the code that RFC 6455 has for it
    socket.on('error', () => {});
    socket.on('pong', () => {
      client.alive = true;
    });
    socket.on('message', () => this.#onMessage(client));
    this.#join(client);
    const send = (message: WebSocketMessage) => socket.send(JSON.stringify(message));
    this.#parts.onWelcome({ rooms, send });
  }

  #onMessage(client: Client): void {
    client.alive = true;
    if (client.toldOff) return;
    client.toldOff = true;
    const { body } = answerOf(
      new GatewayError('badRequest', 'this WebSocket takes no messages: it only tells of events', {
        hint: 'devices are controlled over REST; further messages are not answered',
      }),
    );
    client.socket.send(JSON.stringify({ action: 'error', payload: body }));
  }

  #join(client: Client): void {
    this.#clients.add(client);
    for (const room of client.rooms) {
      const members = this.#rooms.get(room) ?? new Set();
      this.#rooms.set(room, members);
      members.add(client);
    }
    this.#pings ??= setInterval(() => this.#ping(), this.#parts.pingIntervalMs ?? PING_INTERVAL_MS);
  }

  #leave(client: Client): void {
    if (!this.#clients.delete(client)) return;
    for (const room of client.rooms) {
      const members = this.#rooms.get(room);
      members?.delete(client);
      if (members?.size === 0) this.#rooms.delete(room);
    }
    if (this.#clients.size > 0) return;
    clearInterval(this.#pings);
    this.#pings = undefined;
  }

  #ping(): void {
    for (const client of this.#clients) {
      if (client.alive) {
        client.alive = false;
        client.socket.ping();
      } else client.socket.terminate();
    }
  }

  #end(client: Client, code: number, reason: string): void {
    const { socket } = client;
    this.#leave(client);
    socket.close(code, reason);
    const late = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(late));
  }
}
