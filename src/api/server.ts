/**
 * The API: one Koa application and one socket.io behind two listeners, the LAN's TCP port (when it is served)
 * and `gate.sock`, which answers always. The socket comes first: it tells that another daemon is running.
 */

import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Clients } from '../core/clients.ts';
import type { Commands } from '../core/commands.ts';
import type { Devices } from '../core/devices.ts';
import type { GatewayEventBus } from '../core/events.ts';
import type { ExternalLogins } from '../core/external-logins.ts';
import type { ForeignAddons } from '../core/foreign-addons.ts';
import type { Health } from '../core/health.ts';
import type { History } from '../core/history.ts';
import type { Installations } from '../core/installations.ts';
import type { Logs } from '../core/logs.ts';
import type { Notifications } from '../core/notifications.ts';
import type { Operations } from '../core/operations.ts';
import type { Pairing } from '../core/pairing.ts';
import type { ProtocolActions } from '../core/protocol-actions.ts';
import type { Protocols } from '../core/protocols.ts';
import type { Readings } from '../core/readings.ts';
import type { Scans } from '../core/scans.ts';
import type { Tokens } from '../core/tokens.ts';
import type { TypeCatalogue } from '../core/type-catalogue.ts';
import { pause } from '../lib/deadline.ts';
import type { Logger } from '../lib/logger.ts';
import { Access } from './access.ts';
import { HostCheck } from './host-check.ts';
import { createHttpApp } from './http-app.ts';
import { HttpServer } from './http-server.ts';
import { ensureAlone, listenOnLan, listenOnSocket } from './listening.ts';
import { LogInLimit } from './log-in-limit.ts';
import { Origins } from './origins.ts';
import { RateLimit } from './rate-limit.ts';
import { Realtime } from './realtime.ts';
import { addAuthenticationRoutes } from './routes/authentication.ts';
import { addControlRoutes } from './routes/control.ts';
import { addDeviceReadingRoutes } from './routes/device-readings.ts';
import { addTypeRoutes } from './routes/device-types.ts';
import { addDeviceRoutes } from './routes/devices.ts';
import { addForeignAddonRoutes } from './routes/foreign-addons.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addLogRoutes } from './routes/logs.ts';
import { addNotificationRoutes } from './routes/notifications.ts';
import { addPairingRoutes } from './routes/pairing.ts';
import { addProtocolActionRoutes } from './routes/protocol-actions.ts';
import { addProtocolRoutes } from './routes/protocols.ts';
import { createRouter } from './routes/router.ts';
import { type ApiSettings, HEALTH_PART } from './settings.ts';

/** How long requests under way have to end when the API stops. */
export const STOP_GRACE_MS = 2_000;

export interface ApiParts {
  settings: ApiSettings;
  devices: Devices;
  readings: Readings;
  history: History;
  pairing: Pairing;
  commands: Commands;
  operations: Operations;
  protocols: Protocols;
  installations: Installations;
  foreignAddons: ForeignAddons;
  logins: ExternalLogins;
  actions: ProtocolActions;
  scans: Scans;
  types: TypeCatalogue;
  notifications: Notifications;
  logs: Logs;
  clients: Clients;
  tokens: Tokens;
  health: Health;
  events: GatewayEventBus;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  monotonicNow: () => number;
}

export class Api {
  readonly #settings: ApiSettings;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #realtime: Realtime;
  readonly #local: HttpServer;
  readonly #lan: HttpServer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: ApiParts) {
    const { settings, events, logger } = parts;
    this.#settings = settings;
    this.#health = parts.health;
    this.#logger = logger;
    const access = new Access({ anonymous: settings.anonymous, tokens: parts.tokens });
    const hostCheck = new HostCheck({ hostname: hostname(), allowedHosts: settings.allowedHosts ?? [] });
    const origins = new Origins(settings.corsOrigins);
    const listener = requestListener(parts, { access, hostCheck, origins });
    const { gatewayId, projectId } = parts.devices;
    const identity = { gatewayId, projectId, version: settings.version ?? 'unknown' };
    this.#realtime = new Realtime({ access, hostCheck, origins, events, identity, logger, now: parts.now });
    this.#local = new HttpServer({ listener, onConnection: (connection) => access.trust(connection) });
    this.#realtime.attach(this.#local.server);
    if (settings.lan) {
      this.#lan = new HttpServer({ listener, onConnection: () => {} });
      this.#realtime.attach(this.#lan.server);
    }
  }

  /**
   * No other daemon answers on this socket: asked before the stores are opened.
   * @throws GatewayError alreadyRunning, folderUnusable
   */
  static async ensureAlone(socketPath: string): Promise<void> {
    await ensureAlone(socketPath);
  }

  /** @throws GatewayError alreadyRunning, folderUnusable, portTaken, badSetting */
  async start(): Promise<void> {
    const { lan, socketPath } = this.#settings;
    this.#health.report(HEALTH_PART, 'starting');
    try {
      await listenOnSocket(this.#local.server, socketPath);
      if (this.#lan && lan) await listenOnLan(this.#lan.server, lan);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#realtime.start();
    this.#health.report(HEALTH_PART, 'running');
    this.#logger.info({ socketPath, lan: this.address() }, 'the API answers');
  }

  /** Where the LAN is served: with the port that was bound, also when it was asked for as 0. */
  address(): { bind: string; port: number } | undefined {
    const address = this.#lan?.server.address() as AddressInfo | null | undefined;
    return address ? { bind: address.address, port: address.port } : undefined;
  }

  /** How many socket.io clients were cut because they did not keep up. */
  get slowClients(): number {
    return this.#realtime.slowClients;
  }

  /** Takes nothing new, lets what is under way end within 2 s, then cuts it. The socket's file goes with it. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    this.#health.report(HEALTH_PART, 'stopped');
    this.#realtime.stop();
    await Promise.all([this.#lan?.close(STOP_GRACE_MS), this.#local.close(STOP_GRACE_MS)]);
  }
}

function requestListener(
  parts: ApiParts,
  checks: { access: Access; hostCheck: HostCheck; origins: Origins },
): RequestListener {
  const { devices, readings, pairing, commands, operations, protocols, health, logger } = parts;
  const { access } = checks;
  const router = createRouter();
  addHealthRoutes(router, { health, access });
  addDeviceRoutes(router, { devices, pairing, access });
  addPairingRoutes(router, { pairing, access });
  addDeviceReadingRoutes(router, { readings, access });
  addHistoryRoutes(router, { history: parts.history, access });
  addControlRoutes(router, { devices, commands, operations, access });
  addProtocolRoutes(router, { protocols, installations: parts.installations, access });
  addForeignAddonRoutes(router, { foreignAddons: parts.foreignAddons, logins: parts.logins, access });
  addProtocolActionRoutes(router, { actions: parts.actions, scans: parts.scans, access });
  addTypeRoutes(router, { types: parts.types, access });
  addLogRoutes(router, { logs: parts.logs, access });
  addNotificationRoutes(router, { notifications: parts.notifications, access });
  const logInLimit = new LogInLimit({
    health,
    events: parts.events,
    isClient: (clientId) => parts.clients.has(clientId),
    logger,
    pause,
  });
  addAuthenticationRoutes(router, { clients: parts.clients, tokens: parts.tokens, logInLimit, access });
  const rateLimit = new RateLimit({ limits: parts.settings.rateLimits, monotonicNow: parts.monotonicNow });
  return createHttpApp({ router, logger, rateLimit, ...checks }).callback();
}
