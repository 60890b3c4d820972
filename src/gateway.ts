/**
 * The composition root: builds every part, starts them in order, stops them in reverse. Nothing else constructs parts,
 * and nothing is patched on later.
 */
import { randomUUID } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Api } from './api/server.ts';
import type { CertificateSource, ServerCertificateParts } from './api/server-certificate.ts';
import { AddonBroker } from './broker/addon-broker.ts';
import { Inbox } from './broker/inbox.ts';
import { principalIn } from './config/principal.ts';
import type { Settings } from './config/settings.ts';
import { type TlsSettings, tlsSettings } from './config/tls-settings.ts';
import { Clients } from './core/clients.ts';
import { Commands } from './core/commands.ts';
import { DeviceImport } from './core/device-import.ts';
import { Devices } from './core/devices.ts';
import type { GatewayEvents } from './core/events.ts';
import { ExternalLogins } from './core/external-logins.ts';
import { Figures } from './core/figures.ts';
import { FirstClient, type FirstClientParts } from './core/first-client.ts';
import { ForeignAddons } from './core/foreign-addons.ts';
import { Health } from './core/health.ts';
import { History } from './core/history.ts';
import { IdempotentCalls } from './core/idempotent-calls.ts';
import { Installations } from './core/installations.ts';
import { Logs } from './core/logs.ts';
import { NotificationLog } from './core/notification-log.ts';
import { NotificationRules } from './core/notification-rules.ts';
import { Notifications } from './core/notifications.ts';
import { Operations } from './core/operations.ts';
import { Pairing } from './core/pairing.ts';
import { ProtocolActions } from './core/protocol-actions.ts';
import { ProtocolUploads } from './core/protocol-uploads.ts';
import { Protocols } from './core/protocols.ts';
import { Readings } from './core/readings.ts';
import { Scans } from './core/scans.ts';
import { Tokens } from './core/tokens.ts';
import { TypeCatalogue } from './core/type-catalogue.ts';
import { EventBus } from './lib/event-bus.ts';
import type { LogRing } from './lib/log-ring.ts';
import type { Logger } from './lib/logger.ts';
import { shortId } from './lib/short-id.ts';
import type { GatewayError } from './model/error.ts';
import { AvailabilityFile } from './store/availability-file.ts';
import { DiskSpace } from './store/disk-space.ts';
import { FirstClientFile } from './store/first-client-file.ts';
import { OperationFile } from './store/operation-file.ts';
import { RepeatFile } from './store/repeat-file.ts';
import { Store } from './store/store.ts';
import { readAddonFolders } from './supervisor/addon-folders.ts';
import type { OnLine } from './supervisor/addon-output.ts';
import { AddonShelfOnDisk } from './supervisor/addon-shelf.ts';
import { AddonUploadsOnDisk } from './supervisor/addon-uploads.ts';
import { ExternalAddons } from './supervisor/external-addons.ts';
import { ProcessRuntime } from './supervisor/process-runtime.ts';
import { Supervisor } from './supervisor/supervisor.ts';

const BYTES_PER_MB = 1_000_000;
const SECONDS_PER_DAY = 86_400;

export interface GatewayParts {
  /** Of gate itself, as its package has it. */
  version: string;
  settings: Settings;
  /** Absolute, made and usable: see `config/data-folder.ts`. */
  dataFolder: string;
  /** Folder of the add-ons that ship with gate. */
  addonsFolder: string;
  /** The Node that runs process add-ons, and the environment they inherit a few names of. */
  nodePath: string;
  environment: Record<string, string | undefined>;
  logger: Logger;
  /** The last lines of that log. */
  ownLog: LogRing;
  /** Something broke that the daemon cannot go on without. */
  onFault: (error: GatewayError) => void;
}

/** Something that was started and wants to be stopped. */
type Stop = () => Promise<void> | void;

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #started: Stop[] = [];
  #stopped: Promise<void> | undefined;
  #api: Api | undefined;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** Where the API answers on the LAN, once started; undefined when it is not served there. */
  get address(): { bind: string; port: number; tls: boolean } | undefined {
    return this.#api?.address();
  }

  /**
   * Resolves once the API answers. Add-ons are still starting then.
   * @throws GatewayError alreadyRunning, portTaken, badSetting, storeCorrupt, storeNewer, storeFailed; what was
   * started before is stopped again
   */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops everything in reverse: intake first, stores last. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const {
      settings,
      dataFolder: folder,
      addonsFolder,
      version,
      nodePath,
      environment,
      logger,
      ownLog,
      onFault,
    } = this.#parts;
    const tls = tlsSettings(settings);
    const now = () => Date.now();
    const monotonicNow = () => performance.now();
    const newId = () => shortId();

    const events = new EventBus<GatewayEvents>((event, error) => {
      logger.error({ event, err: error }, 'a listener failed');
    });
    const health = new Health({ events, now, vital: ['store', 'broker'] });
    events.on('healthChanged', ({ part, state, reason }) => {
      const level = state === 'failed' || state === 'degraded' ? 'warn' : 'info';
      logger[level](
        { part, state, reason },
        `${part} is ${state}${reason === undefined ? '' : `: ${reason}`}`,
      );
    });
    events.on('readingsDropped', ({ count, reason }) => {
      logger.warn(
        { count, reason },
        `${count} readings were deleted to keep within RETENTION_${reason === 'age' ? 'DAYS' : 'MB'}`,
      );
    });

    const socketPath = join(folder, 'gate.sock');
    await Api.ensureAlone(socketPath);

    const figures = new Figures({
      storeBytes: () => store.bytes(),
      retention: {
        maxAgeSeconds: settings.RETENTION_DAYS * SECONDS_PER_DAY,
        maxBytes: settings.RETENTION_MB * BYTES_PER_MB,
      },
    });
    events.on('readingsDropped', ({ count, reason }) => figures.dropped.add(reason, count));
    const store = new Store({
      settings: {
        folder,
        commitWindowMs: settings.COMMIT_WINDOW_MS,
        retentionDays: settings.RETENTION_DAYS,
        retentionBytes: settings.RETENTION_MB * BYTES_PER_MB,
      },
      onCommit: (committed) => readings.committed(committed),
      onCommitTime: (ms) => figures.commitSeconds.add(ms / 1_000),
      onTrouble: (reason) => health.report('store', reason === undefined ? 'running' : 'failed', reason),
      onDropped: (dropped) => events.emit('readingsDropped', dropped),
      onFault,
      now,
      monotonicNow,
    });
    const availability = new AvailabilityFile({
      path: join(folder, 'availability.db'),
      onTrouble: (message) => logger.warn(message),
    });
    await this.#run(store);
    const operationFile = new OperationFile({
      path: join(folder, 'operations.db'),
      onTrouble: (message) => logger.warn(message),
    });
    await this.#run(availability);
    await this.#run(operationFile);
    const diskSpace = new DiskSpace({
      folder,
      onChange: (trouble) =>
        health.report('storage', trouble === undefined ? 'running' : 'degraded', trouble),
      onFigures: (figures) => health.note('storage', figures),
    });
    const repeatFile = new RepeatFile({
      path: join(folder, 'idempotency-keys.db'),
      onTrouble: (message) => logger.warn(message),
    });
    await this.#run(repeatFile);
    health.report('store', 'running');

    const gatewayId = settings.PARENT_DEVICE_ID ?? (await store.keep('gatewayId', newId));
    const projectId = settings.PROJECT_ID ?? (await store.keep('projectId', newId));
    const types = new TypeCatalogue();
    const devices = new Devices({
      registry: store,
      availability,
      types,
      events,
      gatewayId,
      projectId,
      now,
      newId,
    });
    const readings = new Readings({ store, devices, events });
    const history = new History({ store, devices });
    await devices.start();
    const notificationLog = new NotificationLog({
      store,
      onTrouble: (error) => logger.warn({ err: error }, 'notifications could not be written yet'),
    });
    await this.#run(notificationLog);
    const notifications = new Notifications({ log: notificationLog, events, now, newId: randomUUID });
    this.#started.push(() => notifications.stop());
    await this.#run(new NotificationRules({ notifications, devices, events }));
    await this.#run(diskSpace);

    const certificate = settings.ON_PREMISE_ENABLED
      ? await this.#startCertificate(tls, { health, events, logger, now })
      : undefined;

    const broker = new AddonBroker({ port: settings.LOCAL_BROKER_PORT, events, logger, newId, now });
    await this.#run(broker);
    const protocols = new Protocols({ registry: store, devices, types, link: broker, health, events, now });
    const { packages, problems } = await readAddonFolders({
      bundledFolder: addonsFolder,
      foreignFolder: join(folder, 'addons'),
    });
    for (const problem of problems) {
      logger.warn(problem, `an add-on was left out: ${problem.reason}`);
      events.emit('addonLeftOut', problem);
    }
    await protocols.start(packages);
    const pairing = new Pairing({ devices, link: broker, events });
    await pairing.start();
    const repeatable = new IdempotentCalls({
      store: repeatFile,
      monotonicNow,
      now,
      onTrouble: (error) => logger.warn({ err: error }, 'an Idempotency-Key could not be kept for a restart'),
    });
    await repeatable.start();
    const commands = new Commands({ devices, link: broker, events, repeatable, now, monotonicNow });
    const operations = new Operations({
      store: operationFile,
      devices,
      commands,
      projectId,
      now,
      newId,
      onTrouble: (error) => logger.warn({ err: error }, 'the result of a status request could not be kept'),
    });
    await operations.start();
    const logins = new ExternalLogins({ protocols, credentials: broker });
    await broker.listen(
      new Inbox({ readings, devices, protocols, health, figures, events, logger, now }),
      logins,
    );
    this.#started.push(() => broker.stopIntake());
    health.report('broker', 'running');

    const logs = new Logs({ own: ownLog, devices, protocols, events, now });
    await this.#run(logs);
    const onLine: OnLine = (slug, stream, line) => {
      logger[stream === 'ERR' ? 'warn' : 'info']({ addon: slug, stream }, line);
      logs.append(slug, stream, line);
    };
    const shelf = new AddonShelfOnDisk(folder);
    const installations = new Installations({
      protocols,
      logins,
      credentials: broker,
      shelf,
      logs,
      events,
      now,
      onTrouble: (message, error) => logger.warn({ err: error }, message),
    });
    await this.#run(installations);
    const supervisor = new Supervisor({
      protocols,
      runtime: new ProcessRuntime({
        dataFolder: folder,
        nodePath,
        environment,
        logger,
        onLine,
      }),
      credentials: broker,
      health,
      events,
      logger,
      monotonicNow,
      random: Math.random,
    });
    await this.#run(supervisor);
    await this.#run(new ExternalAddons({ protocols, health, events, onLine }));

    const clients = new Clients({ store, events, now });
    await clients.start();
    const tokens = new Tokens({
      clients,
      registry: store,
      issuer: gatewayId,
      lifetimeSeconds: settings.TOKEN_LIFETIME_MINUTES * 60,
      now,
      newId,
    });
    await tokens.start();
    await this.#showFirstClient({ clients, registry: store, events });

    const deviceImport = new DeviceImport({ protocols, devices, types, pairing, events });
    this.#started.push(() => deviceImport.stop());
    const api = new Api({
      settings: {
        lan: settings.ON_PREMISE_ENABLED ? { bind: settings.BIND, port: settings.PORT } : undefined,
        version,
        socketPath,
        anonymous: settings.ON_PREMISE_ANONYMOUS,
        rateLimits: {
          clientPerSecond: settings.RATE_LIMIT,
          anonymousPerSecond: settings.RATE_LIMIT_ANONYMOUS,
        },
        identity: {
          principal: await principalIn(settings.CONFIG_FOLDER),
          retentionDays: settings.RETENTION_DAYS,
        },
        corsOrigins: settings.CORS_ORIGINS,
        allowedHosts: settings.ALLOWED_HOSTS,
      },
      devices,
      readings,
      history,
      pairing,
      commands,
      operations,
      protocols,
      installations,
      foreignAddons: new ForeignAddons({ protocols, devices, installations, shelf }),
      logins,
      actions: new ProtocolActions({ protocols, devices, operations, link: broker }),
      scans: new Scans({ protocols, devices, link: broker }),
      uploads: new ProtocolUploads({
        protocols,
        uploads: new AddonUploadsOnDisk({ dataFolder: folder, newId, now }),
      }),
      deviceImport,
      types,
      notifications,
      logs,
      clients,
      tokens,
      certificate,
      health,
      figures,
      events,
      logger,
      now,
      monotonicNow,
    });
    this.#api = api;
    await this.#run(api);
  }

  /** Most gateways speak no TLS: what it takes is loaded here. @throws GatewayError badSetting */
  async #startCertificate(tls: TlsSettings, parts: Omit<ServerCertificateParts, 'source'>) {
    if (tls.kind === 'off') return undefined;
    const { ServerCertificate } = await import('./api/server-certificate.ts');
    const certificate = new ServerCertificate({
      ...parts,
      source: await this.#certificateSource(tls, parts),
    });
    await this.#run(certificate);
    return certificate;
  }

  async #certificateSource(
    tls: Exclude<TlsSettings, { kind: 'off' }>,
    { logger, now }: Pick<ServerCertificateParts, 'logger' | 'now'>,
  ): Promise<CertificateSource> {
    if (tls.kind === 'given') {
      const { GivenCertificate } = await import('./api/given-certificate.ts');
      return new GivenCertificate(tls);
    }
    const { OwnCertificate } = await import('./api/own-certificate.ts');
    const { serverNames } = await import('./api/server-names.ts');
    const { dataFolder, settings } = this.#parts;
    const names = serverNames({
      hostname: hostname(),
      allowedHosts: settings.ALLOWED_HOSTS,
      interfaces: networkInterfaces(),
    });
    return new OwnCertificate({ folder: join(dataFolder, 'tls'), names, logger, now });
  }

  /** The log has the path of the file alone: what stands in it is for who may read the data folder. */
  async #showFirstClient(parts: Pick<FirstClientParts, 'clients' | 'registry' | 'events'>): Promise<void> {
    const { dataFolder, logger } = this.#parts;
    const path = join(dataFolder, 'first-client.json');
    const firstClient = new FirstClient({
      ...parts,
      note: new FirstClientFile({ path }),
      onTrouble: (error) =>
        logger.warn({ err: error }, `the first client, or its file ${path}, is in trouble`),
    });
    if (await firstClient.start()) {
      logger.info({ path }, `the first client's id and secret are in ${path}, until it has logged in`);
    }
  }

  async #run(part: { start: () => unknown; stop: Stop }): Promise<void> {
    // noted first: a start that fails half-way leaves something to stop
    this.#started.push(() => part.stop());
    await part.start();
  }

  async #stop(): Promise<void> {
    for (const stop of this.#started.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        this.#parts.logger.error({ err: error }, 'a part did not stop cleanly');
      }
    }
  }
}
