/**
 * The link to the cloud and what goes over it (docs/contracts.md): commands, reports, and through the relay the
 * readings. Its line in health says whether it is connected, and if not why.
 */
import { X509Certificate } from 'node:crypto';
import type { Commands } from '../core/commands.ts';
import type { Devices } from '../core/devices/devices.ts';
import type { Pairing } from '../core/devices/pairing.ts';
import type { TypeCatalogue } from '../core/devices/type-catalogue.ts';
import type { GatewayEventBus } from '../core/events.ts';
import type { Health } from '../core/health.ts';
import type { Installations } from '../core/installations/installations.ts';
import type { Protocols } from '../core/protocols/protocols.ts';
import type { SoftwareUpdates } from '../core/upkeep/software-updates.ts';
import type { Logger } from '../lib/logger.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { clockWords } from './clock-words.ts';
import { CommandInbox } from './command-inbox.ts';
import type { CloudConnection } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { DeviceCommands } from './device-commands.ts';
import { CloudLink } from './link.ts';
import type { LinkEnd } from './link-end.ts';
import { ProtocolCommands } from './protocol-commands.ts';
import type { CloudRelay } from './publisher.ts';
import { ReportOutbox } from './report-outbox.ts';
import { CloudReports } from './reports.ts';
import { Retry } from './retry.ts';
import { Rotation } from './rotation.ts';
import { SoftwareCommands } from './software-commands.ts';
import type { CloudTopics } from './topics.ts';

/** Its line in `/health/ready`. */
export const CLOUD_PART = 'cloud';
const BACKLOG_EVERY_MS = 5_000;
/** How long the last word may take when the gateway stops. */
const FAREWELL_MS = 1_000;

export interface CloudOptions {
  host: string;
  port: number;
  credentialsFolder: string;
  publishesPerSecond: number;
  unacknowledgedMax: number;
  keepAliveSeconds: number;
  retryMaxMs: number;
}

export interface CloudParts {
  options: CloudOptions;
  topics: CloudTopics;
  devices: Devices;
  types: TypeCatalogue;
  pairing: Pairing;
  commands: Commands;
  protocols: Protocols;
  installations: Installations;
  health: Health;
  events: GatewayEventBus;
  logger: Logger;
  /** Readings; none are relayed without it. */
  relay?: CloudRelay | undefined;
  /** Of gate itself. */
  updates: SoftwareUpdates;
  /** Of gate: its version, and when it was built, in milliseconds since 1970. */
  version: string;
  builtAt: number;
  now: () => number;
  monotonicNow: () => number;
  random: () => number;
}

export class Cloud {
  readonly #parts: CloudParts;
  readonly #outbox: ReportOutbox;
  readonly #reports: CloudReports;
  readonly #watch: CertificateWatch;
  readonly #rotation: Rotation;
  readonly #link: CloudLink;
  #connection: CloudConnection | undefined;
  /** Of the credentials in use. */
  #warning: string | undefined;
  /** Of the connection: commands that it does not bring, readings that it does not take. */
  #unheard: string | undefined;
  #refused: string | undefined;
  #backlog: NodeJS.Timeout | undefined;

  constructor(parts: CloudParts) {
    this.#parts = parts;
    const { options, devices, protocols, events, logger, health, now, version } = parts;
    const { credentialsFolder, host, port } = options;
    const { topics } = parts;
    this.#outbox = new ReportOutbox({
      onLost: (topic, reason) => logger.warn({ topic }, `a report did not reach the cloud: ${reason}`),
    });
    const outbox = this.#outbox;
    this.#reports = new CloudReports({ outbox, topics, devices, protocols, events, version, now });
    const reports = this.#reports;
    this.#watch = new CertificateWatch({ events, now });
    const { clientId } = topics;
    this.#rotation = new Rotation({
      credentialsFolder,
      clientId,
      reports,
      now,
      tryOut: (keys, swap) => this.#link.replaceWith(keys, swap),
      onTrouble: (message) => logger.error(message),
    });
    const inbox = new CommandInbox({
      topics,
      devices: new DeviceCommands({ ...parts, reports, topics }),
      protocols: new ProtocolCommands({ ...parts, reports }),
      software: new SoftwareCommands({ ...parts, reports }),
      rotation: this.#rotation,
      logger,
      now,
      onRefused: (badMessages, lastBadMessage) => health.note(CLOUD_PART, { badMessages, lastBadMessage }),
    });
    this.#link = new CloudLink({
      endpoint: { host, port },
      credentialsFolder,
      topics,
      limits: {
        publishesPerSecond: options.publishesPerSecond,
        unacknowledgedMax: options.unacknowledgedMax || Infinity,
      },
      keepAliveSeconds: options.keepAliveSeconds,
      will: {
        topic: topics.of('discover', 'status'),
        payload: JSON.stringify({ eventType: 'disconnected' }),
      },
      retry: new Retry({ maxMs: options.retryMaxMs, random: parts.random }),
      monotonicNow: parts.monotonicNow,
      aboutTime: () => clockWords(now(), parts.builtAt),
      onMessage: (message) => inbox.take(message),
      onUp: (connection, refused) => this.#up(connection, refused),
      onDown: (end) => this.#down(end),
      onTrouble: (reason) => this.#trouble(reason),
      onCredentials: (credentials) => this.#use(credentials),
    });
  }

  async start(): Promise<void> {
    this.#parts.health.report(CLOUD_PART, 'starting');
    await this.#rotation.start();
    this.#reports.start();
    this.#watch.start();
    if (this.#parts.relay) {
      this.#backlog = setInterval(() => this.#noteBacklog(), BACKLOG_EVERY_MS);
      this.#backlog.unref();
    }
    this.#link.start();
  }

  /** Tells the cloud that the gateway goes, and ends the connection in order. */
  async stop(): Promise<void> {
    clearInterval(this.#backlog);
    this.#watch.stop();
    this.#reports.stop();
    const connection = this.#connection;
    if (connection) {
      this.#parts.relay?.linkDown();
      const farewell = this.#tellStatus(connection, 'disconnected').catch(() => undefined);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FAREWELL_MS);
      });
      await Promise.race([farewell, late]);
      clearTimeout(timer);
    }
    await this.#link.stop();
  }

  #up(connection: CloudConnection, refused: readonly string[]): void {
    const { events, relay, now, logger } = this.#parts;
    this.#connection = connection;
    // before anything is told of the connection: whoever hears it is told as whom the gateway is known
    events.emit('gatewayCertified', {
      fingerprint: new X509Certificate(connection.certificate).fingerprint256,
    });
    const unheard = refused.filter((topic) => !this.#parts.topics.isOptional(topic));
    for (const topic of refused) logger.warn({ topic }, 'the broker refuses this subscription');
    this.#tellStatus(connection, 'connected').catch((error: Error) => {
      logger.warn({ err: error }, 'the cloud was not told that the gateway is connected');
    });
    this.#outbox.up(connection);
    this.#reports.welcome();
    relay?.linkUp({ publish: (topic, payload) => connection.publish(topic, payload) });
    this.#refused = undefined;
    this.#unheard =
      unheard.length > 0
        ? `the broker refuses the subscription to ${unheard.join(', ')}: allow it in its policy (ACL)`
        : undefined;
    this.#tellConnected();
    events.emit('cloudLinkChanged', { connected: true, ts: now() });
  }

  #down({ code, reason, byUs }: LinkEnd & { byUs: boolean }): void {
    const { health, events, relay, now } = this.#parts;
    this.#connection = undefined;
    this.#outbox.down();
    relay?.linkDown();
    events.emit('cloudLinkChanged', { connected: false, reason: code, byUs, ts: now() });
    if (byUs) health.report(CLOUD_PART, 'stopped', reason);
  }

  #trouble(reason: string): void {
    const { health, logger } = this.#parts;
    // connected all the same: what was tried beside did not work
    const state = this.#connection ? 'running' : 'degraded';
    if (health.part(CLOUD_PART)?.reason === reason) logger.debug({ reason }, 'the cloud is away still');
    health.report(CLOUD_PART, state, reason);
  }

  #use(credentials: Credentials): void {
    const { health, events, logger, now, builtAt } = this.#parts;
    this.#watch.loaded(credentials);
    const { validFrom, expiresAt, fingerprint } = credentials;
    events.emit('gatewayCertified', { fingerprint });
    const early =
      validFrom > now() ? `certificate.pem is not valid yet${clockWords(now(), builtAt)}` : undefined;
    const warning = credentials.warning ?? early;
    if (warning !== undefined && warning !== this.#warning) logger.warn(warning);
    this.#warning = warning;
    health.note(CLOUD_PART, { fingerprint, validTo: new Date(expiresAt).toISOString() });
    if (this.#connection) this.#tellConnected();
  }

  #tellConnected(): void {
    const trouble = this.#unheard ?? this.#refused;
    const state = trouble === undefined ? 'running' : 'degraded';
    this.#parts.health.report(CLOUD_PART, state, trouble ?? this.#warning);
  }

  /** Retained, and at once or not at all: what was is of no interest. */
  #tellStatus(connection: CloudConnection, eventType: 'connected' | 'disconnected'): Promise<void> {
    const topic = this.#parts.topics.of('discover', 'status');
    return connection.publish(topic, JSON.stringify({ eventType }), { isUrgent: true, retain: true });
  }

  #noteBacklog(): void {
    const { health, relay } = this.#parts;
    const { readings = 0, sinceMs, refused } = relay?.backlog() ?? {};
    health.note(CLOUD_PART, {
      waitingReadings: readings,
      waitingSince: sinceMs === undefined ? undefined : new Date(sinceMs).toISOString(),
    });
    if (!this.#connection || refused === this.#refused) return;
    this.#refused = refused;
    this.#tellConnected();
  }
}
