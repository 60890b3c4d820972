/**
 * The socket events, for Engine.IO 3 and 4 clients alike, on every server it is attached to.
 *
 * An event is encoded once, whoever listens, and not at all when nobody does. A client is sent everything in
 * the order it happened. One that does not keep up is cut: when more than 8 MiB (`OUTGOING_MAX_BYTES`) of
 * events wait for it at the time of the next one, so that its queue never holds more than that and one commit.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type DefaultEventsMap, Server, type Socket as SocketIoSocket } from 'socket.io';
import type { GatewayEventBus, GatewayEvents } from '../core/events.ts';
import type { Grant } from '../core/tokens.ts';
import type { Dispose } from '../lib/event-bus.ts';
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import type { Notification } from '../model/notification.ts';
import type { StoredReading } from '../model/reading.ts';
import type { Access } from './access.ts';
import { answerOf } from './error-table.ts';
import {
  EVENT_KINDS,
  type EventKind,
  type GatewayIdentity,
  installationEvent,
  installationProgress,
  isoTime,
  logPayload,
  OPEN_EVENT_KINDS,
  pairingEventOf,
  pairingPayload,
} from './event-view.ts';
import type { HostCheck } from './host-check.ts';
import { roomOf, roomsOf } from './narrowing.ts';
import { notificationView } from './notification-view.ts';
import type { Origins } from './origins.ts';
import { Outgoing } from './outgoing.ts';

/** What may wait for one client before it is cut. */
export const OUTGOING_MAX_BYTES = 8 * 1024 * 1024;
/** Clients send nothing but the protocol's own packets. */
const INCOMING_MAX_BYTES = 16 * 1024;
const PING_INTERVAL_MS = 25_000;
const PING_TIMEOUT_MS = 20_000;

/** What is kept with a socket: the rooms its handshake asked for. */
type SocketData = { rooms: string[] };
type Socket = SocketIoSocket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

export interface RealtimeParts {
  access: Access;
  hostCheck: HostCheck;
  origins: Origins;
  events: GatewayEventBus;
  identity: GatewayIdentity;
  logger: Logger;
  now: () => number;
}

export class Realtime {
  readonly #parts: RealtimeParts;
  readonly #io: Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;
  readonly #outgoing = new Map<Socket, Outgoing>();
  /** TCP connections that a polling session moved to, by session. */
  readonly #upgrades = new Map<string, Duplex>();
  #disposers: Dispose[] = [];
  #slowClients = 0;

  constructor(parts: RealtimeParts) {
    this.#parts = parts;
    this.#io = new Server({
      allowEIO3: true,
      serveClient: false,
      transports: ['polling', 'websocket'],
      maxHttpBufferSize: INCOMING_MAX_BYTES,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      // on a LAN it would cost more time than it saves
      perMessageDeflate: false,
      httpCompression: false,
      cors: { origin: parts.origins.any ? '*' : parts.origins.list },
      allowRequest: (request, answer) => {
        const refusal = this.#refusalOf(request);
        answer(refusal, refusal === undefined);
      },
    });
    this.#io.use((socket, next) => {
      void this.#admit(socket).then(next);
    });
    this.#io.on('connection', (socket) => this.#welcome(socket));
  }

  /** How many clients were cut because they did not keep up. */
  get slowClients(): number {
    return this.#slowClients;
  }

  /** Before `server` listens. */
  attach(server: HttpServer): void {
    this.#io.attach(server);
    server.on('upgrade', (request, connection) => this.#noteUpgrade(request, connection));
  }

  start(): void {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('readingsRecorded', (readings) => this.#tellReadings(readings)),
      events.on('deviceAnswered', (answer) => this.#tellAnswer(answer)),
      events.on('availabilityChanged', (change) => this.#tellAvailability(change)),
      events.on('devicePairingChanged', (change) => this.#tellPairing(change)),
      events.on('notificationRaised', (notification) => this.#tellNotification(notification)),
      events.on('logsGathered', (gathered) => this.#tellLogs(gathered)),
      events.on('installationChanged', (change) =>
        this.#tellInstallation('installation_progress', installationProgress(change)),
      ),
      events.on('installationEnded', (ended) => {
        const { name, payload } = installationEvent(ended, this.#parts.identity);
        this.#tellInstallation(name, payload);
      }),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
    this.#io.disconnectSockets(true);
  }

  /** Why the HTTP side of a handshake is refused; undefined when it is not. */
  #refusalOf(request: IncomingMessage): string | undefined {
    const { access, hostCheck, origins } = this.#parts;
    if (access.isLocal(request)) return undefined;
    if (!hostCheck.accepts(request.headers.host))
      return 'this gateway does not answer under the name in "Host"';
    if (origins.kindOf(request) === 'foreign') return 'CORS_ORIGINS does not have the origin of this page';
    return undefined;
  }

  /** Undefined lets the socket in; an error becomes its `connect_error` (`error` for 2.x clients). */
  async #admit(socket: Socket): Promise<Error | undefined> {
    const { access } = this.#parts;
    try {
      const caller = await access.callerOf(socket.request, tokenOf(socket.handshake));
      access.demand(caller, 'read');
      const allowed = access.may(caller, 'administer') ? EVENT_KINDS : OPEN_EVENT_KINDS;
      socket.data.rooms = roomsOf(socket.handshake.query, allowed);
      if (typeof caller === 'object') this.#endWith(socket, caller);
      return undefined;
    } catch (error) {
      return refusalFor(socket, error);
    }
  }

  /** A socket lives as long as the token it was opened with. */
  #endWith(socket: Socket, { clientId, expiresAtMs }: Grant): void {
    const { events, now } = this.#parts;
    // it left while its token was looked at: nothing would ever end what is begun here
    if (socket.conn.readyState === 'closed') return;
    const end = () => {
      socket.disconnect(true);
      // one that is still being let in is not yet its server's to disconnect
      socket.conn.close();
    };
    const timer = setTimeout(end, Math.max(0, expiresAtMs - now()));
    const dispose = events.on('clientTokensVoided', (voided) => {
      if (voided.clientId === clientId) end();
    });
    socket.conn.once('close', () => {
      clearTimeout(timer);
      dispose();
    });
  }

  #welcome(socket: Socket): void {
    socket.join(socket.data.rooms);
    this.#outgoing.set(socket, new Outgoing(socket.conn, (sessionId) => this.#upgrades.get(sessionId)));
    socket.on('disconnect', () => this.#outgoing.delete(socket));
  }

  #noteUpgrade({ url = '/' }: IncomingMessage, connection: Duplex): void {
    const sessionId = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('sid');
    if (sessionId === null) return;
    this.#upgrades.set(sessionId, connection);
    connection.on('close', () => {
      if (this.#upgrades.get(sessionId) === connection) this.#upgrades.delete(sessionId);
    });
  }

  #tellReadings(readings: readonly StoredReading[]): void {
    this.#cutSlowClients();
    for (const { deviceId, data, ts } of readings) {
      const to = this.#listeners('data', deviceId);
      if (!to) continue;
      const time = isoTime(ts);
      to.emit('data', { deviceId, payload: data, ts: time });
      to.emit(`data_${deviceId}`, data);
      to.emit(deviceId, { action: 'data', payload: data, ts: time });
    }
  }

  #tellAnswer({ deviceId, payload, ts }: GatewayEvents['deviceAnswered']): void {
    this.#cutSlowClients();
    const to = this.#listeners('status', deviceId);
    if (!to) return;
    const time = isoTime(ts);
    to.emit('status', { deviceId, payload, ts: time });
    to.emit(`status_${deviceId}`, payload);
    to.emit(deviceId, { action: 'status', payload, ts: time });
  }

  #tellAvailability({ deviceId, online, reason, ts }: GatewayEvents['availabilityChanged']): void {
    this.#cutSlowClients();
    const to = this.#listeners('availability', deviceId);
    if (!to) return;
    const payload = { online, ...(reason === undefined ? {} : { reason }) };
    to.emit('availability', { deviceId, ...payload, ts: isoTime(ts) });
    to.emit(deviceId, { action: 'availability', payload, ts: isoTime(ts) });
  }

  #tellPairing({ device }: GatewayEvents['devicePairingChanged']): void {
    this.#cutSlowClients();
    const event = pairingEventOf(device);
    if (event) this.#listeners('pairing', device.id)?.emit(event, pairingPayload(device));
  }

  #tellNotification(notification: Notification): void {
    this.#cutSlowClients();
    this.#listeners('notification', notification.deviceId)?.emit(
      'notification',
      notificationView(notification),
    );
  }

  #tellLogs(gathered: GatewayEvents['logsGathered']): void {
    this.#cutSlowClients();
    this.#listeners('log', gathered.deviceId)?.emit('log', logPayload(gathered));
  }

  #tellInstallation(event: string, payload: object): void {
    this.#cutSlowClients();
    this.#listeners('installation', this.#parts.identity.gatewayId)?.emit(event, payload);
  }

  /** Who wants this kind of event, of this device where it is one's; undefined when nobody does. */
  #listeners(kind: EventKind, deviceId?: string) {
    const { rooms } = this.#io.sockets.adapter;
    const [every, narrowed] = [roomOf(kind), roomOf(kind, deviceId)];
    return rooms.has(every) || rooms.has(narrowed) ? this.#io.to([every, narrowed]) : undefined;
  }

  #cutSlowClients(): void {
    for (const [socket, outgoing] of this.#outgoing) {
      const { pendingBytes } = outgoing;
      if (pendingBytes <= OUTGOING_MAX_BYTES) continue;
      this.#slowClients += 1;
      const client = socket.handshake.address;
      this.#parts.logger.warn({ client, pendingBytes }, 'a socket.io client does not keep up: disconnected');
      outgoing.cut();
    }
  }
}

/** Where a handshake may hold a token besides its headers: `auth.token` (4.x), `access_token` in the query (2.x). */
function tokenOf({ auth, query }: Socket['handshake']): string | undefined {
  const token: unknown = auth['token'] ?? query['access_token'];
  if (token === undefined || typeof token === 'string') return token;
  throw new GatewayError('unauthorized', 'the token is invalid: it must be a text, given once');
}

/** In words for all clients, with the code beside them for those of 4.x. */
function refusalFor(socket: Socket, thrown: unknown): Error {
  const { body } = answerOf(thrown);
  const data = { code: body.code, ...(body.hint === undefined ? {} : { hint: body.hint }) };
  // a 2.x client is sent `data` in place of the words where there is any
  return Object.assign(new Error(body.message), socket.conn.protocol === 3 ? {} : { data });
}
