/**
 * The API: one Koa application and one set of sockets behind two listeners, the LAN's TCP port (when it is served, with
 * TLS when there is a certificate) and `gate.sock`, which answers always and plainly. The socket comes first: it tells
 * that another daemon is running.
 */

import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Health } from '../core/health.ts';
import type { Logger } from '../lib/logger.ts';
import { Access } from './access.ts';
import type { ServerCertificate } from './certificates/server-certificate.ts';
import { ChangeRecord } from './change-record.ts';
import { HostCheck } from './host-check.ts';
import { createHttpApp } from './http-app.ts';
import { HttpFigures } from './http-figures.ts';
import { HttpServer } from './http-server.ts';
import { ensureAlone, listenOnLan, listenOnSocket } from './listening.ts';
import { Origins } from './origins.ts';
import { RateLimit } from './rate-limit.ts';
import { allRoutes, type RouteParts } from './routes/all.ts';
import { TOKEN_PATH } from './routes/authentication.ts';
import type { Routes } from './routes/router.ts';
import { type ApiSettings, HEALTH_PART } from './settings.ts';
import { Realtime } from './sockets/realtime.ts';
import { SocketAdmission } from './sockets/socket-admission.ts';
import type { GatewayFacts } from './views/cloud-view.ts';

/** How long requests under way have to end when the API stops. */
export const STOP_GRACE_MS = 2_000;

export interface ApiParts extends RouteParts {
  settings: ApiSettings;
  /** Started. With it the LAN's port speaks TLS. */
  certificate?: ServerCertificate | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  monotonicNow: () => number;
}

export class Api {
  /** What can be called, and what it takes and gives. */
  readonly routes: Routes;
  readonly #settings: ApiSettings;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #realtime: Realtime;
  readonly #local: HttpServer;
  readonly #lan: HttpServer | undefined;
  readonly #certificate: ServerCertificate | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: ApiParts) {
    const { settings, events, logger } = parts;
    this.#settings = settings;
    this.#health = parts.health;
    this.#logger = logger;
    this.#certificate = parts.certificate;
    const access = new Access({ anonymous: settings.anonymous, tokens: parts.tokens });
    const hostCheck = new HostCheck({ hostname: hostname(), allowedHosts: settings.allowedHosts ?? [] });
    const origins = new Origins(settings.corsOrigins);
    const http = new HttpFigures();
    const sockets = () => ({ clients: this.#realtime.clients, cut: this.#realtime.slowClients });
    this.routes = allRoutes(parts, { access, http, sockets });
    const { monotonicNow } = parts;
    const rateLimit = new RateLimit({ limits: settings.rateLimits, monotonicNow, refused: http.rateLimited });
    const checks = { access, rateLimit, hostCheck, origins, figures: http };
    const record = new ChangeRecord({ logger, logInPath: TOKEN_PATH, monotonicNow });
    const listener = createHttpApp({ routes: this.routes, record, logger, ...checks }).callback();
    const { gatewayId, projectId } = parts.devices;
    this.#realtime = new Realtime({
      admission: new SocketAdmission({
        ...checks,
        events,
        now: parts.now,
        onRefused: (request, code) => record.socketRefused(request, code),
      }),
      origins,
      identity: {
        gatewayId,
        projectId,
        version: settings.version ?? 'unknown',
        retentionDays: settings.identity.retentionDays,
        get principal() {
          return settings.identity.principal;
        },
      },
      gateway: () => gatewayFacts(parts),
      events,
      logger,
      now: parts.now,
    });
    this.#local = new HttpServer({ listener, onConnection: (connection) => access.trust(connection) });
    this.#realtime.attach(this.#local.server);
    if (settings.lan) {
      this.#lan = new HttpServer({ listener, onConnection: () => {}, tls: parts.certificate !== undefined });
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
      this.#certificate?.onPair((pair) => this.#lan?.useCertificate(pair));
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
  address(): { bind: string; port: number; tls: boolean } | undefined {
    const address = this.#lan?.server.address() as AddressInfo | null | undefined;
    const tls = this.#certificate !== undefined;
    return address ? { bind: address.address, port: address.port, tls } : undefined;
  }

  /** How many clients of sockets were cut because they did not keep up. */
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

function gatewayFacts({ devices, protocols }: ApiParts): Omit<GatewayFacts, 'ingestion'> {
  const installed = protocols.list().filter(({ status }) => status === 'installed' || status === 'updating');
  return {
    device: devices.get(devices.gatewayId),
    subDevices: devices.subDevices().map(({ id }) => id),
    protocols: installed.map(({ id }) => id),
  };
}
