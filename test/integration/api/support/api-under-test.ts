/** The real API over the real core, on a free port and a socket in a folder of its own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import {
  type CertificateSource,
  ServerCertificate,
} from '../../../../src/api/certificates/server-certificate.ts';
import { Api } from '../../../../src/api/server.ts';
import type { ApiSettings } from '../../../../src/api/settings.ts';
import { BackupByCommand } from '../../../../src/backup/backup-maker.ts';
import { RestoreDeskOnDisk } from '../../../../src/backup/restore-desk.ts';
import { Clients } from '../../../../src/core/clients/clients.ts';
import { Tokens } from '../../../../src/core/clients/tokens.ts';
import { Commands } from '../../../../src/core/commands.ts';
import { DeviceImport } from '../../../../src/core/devices/device-import.ts';
import { Devices } from '../../../../src/core/devices/devices.ts';
import { Pairing } from '../../../../src/core/devices/pairing.ts';
import { Scans } from '../../../../src/core/devices/scans.ts';
import { TypeCatalogue } from '../../../../src/core/devices/type-catalogue.ts';
import type { GatewayEventBus } from '../../../../src/core/events.ts';
import { Figures } from '../../../../src/core/figures.ts';
import { Health } from '../../../../src/core/health.ts';
import { History } from '../../../../src/core/history.ts';
import { IdempotentCalls } from '../../../../src/core/idempotent-calls.ts';
import { ImageFetches } from '../../../../src/core/installations/image-fetches.ts';
import { Installations } from '../../../../src/core/installations/installations.ts';
import { Logs } from '../../../../src/core/logs.ts';
import { NotificationLog } from '../../../../src/core/notifications/notification-log.ts';
import { NotificationRules } from '../../../../src/core/notifications/notification-rules.ts';
import { Notifications } from '../../../../src/core/notifications/notifications.ts';
import { Operations } from '../../../../src/core/operations.ts';
import type { AddonCredentials, AddonShelf, HistoryStore } from '../../../../src/core/ports.ts';
import { ExternalLogins } from '../../../../src/core/protocols/external-logins.ts';
import { ForeignAddons } from '../../../../src/core/protocols/foreign-addons.ts';
import { ProtocolActions } from '../../../../src/core/protocols/protocol-actions.ts';
import { ProtocolUploads } from '../../../../src/core/protocols/protocol-uploads.ts';
import { type AddonPackage, Protocols } from '../../../../src/core/protocols/protocols.ts';
import { Readings } from '../../../../src/core/readings.ts';
import { Backups } from '../../../../src/core/upkeep/backups.ts';
import { Restores } from '../../../../src/core/upkeep/restores.ts';
import { SoftwareUpdates } from '../../../../src/core/upkeep/software-updates.ts';
import { Webhooks } from '../../../../src/core/webhooks.ts';
import { EventBus } from '../../../../src/lib/event-bus.ts';
import { LogRing } from '../../../../src/lib/log-ring.ts';
import { shortId } from '../../../../src/lib/short-id.ts';
import type { Scope } from '../../../../src/model/client.ts';
import type { DeviceType } from '../../../../src/model/device-type.ts';
import type { JsonObject } from '../../../../src/model/json.ts';
import { ReceivedFilesOnDisk } from '../../../../src/store/files/received-files.ts';
import { AddonShelfOnDisk } from '../../../../src/supervisor/addon-shelf.ts';
import { AddonUploadsOnDisk } from '../../../../src/supervisor/addon-uploads.ts';
import { SerialPortsOnDisk } from '../../../../src/supervisor/serial-ports.ts';
import {
  MemoryAddonLink,
  MemoryAvailability,
  MemoryClients,
  MemoryHistory,
  MemoryNotifications,
  MemoryOperations,
  MemoryReadingStore,
  MemoryRegistry,
  MemoryRepeats,
} from '../../../support/memory-ports.ts';
import { DescribedAnswers, type Document } from './described-answers.ts';

export const GATEWAY_ID = 'Wcganw3s';
export const PROJECT_ID = '77JTOK6B';
export const HTTP_TYPE = '4023bd5d-9f88-4761-97c2-0e682aef5437';

export interface Answer<Body> {
  status: number;
  headers: IncomingHttpHeaders;
  body: Body;
}

export type TestSettings = Partial<ApiSettings> & {
  lifetimeSeconds?: number;
  /** Of the lines that `log` has; `warn` where nothing is said. */
  logLevel?: 'debug' | 'info' | 'warn';
  /** With one, the port speaks TLS. */
  certificate?: CertificateSource;
};

export interface ClientOfTest {
  clientId: string;
  clientSecret: string;
  token: string;
  headers: { Authorization: string };
}

export interface CallOptions {
  method?: string;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown;
}

function addon(slug: string, id: string, extra: Partial<AddonPackage['manifest']>): AddonPackage {
  const types = slug === 'http' ? [httpType(id)] : [];
  return {
    folder: `/addons/${slug}`,
    types,
    manifest: {
      id,
      slug,
      name: slug.toUpperCase(),
      description: '',
      contract: 1,
      version: '1.0.0',
      preinstalled: true,
      parameters: { type: 'object' },
      types,
      runtime: {},
      ...extra,
    },
  };
}

function httpType(protocolId: string): DeviceType {
  return {
    id: HTTP_TYPE,
    description: 'HTTP device',
    manufacturer: 'Generic',
    model: 'HTTP-DEVICE',
    protocols: [protocolId],
    pairingMethods: [],
    physicalParameter: [],
    rooms: [],
    space: [],
    type: 'sensor',
    parameters: {
      type: 'object',
      required: ['hostname'],
      properties: { hostname: { type: 'string' }, port: { type: 'integer', default: 80 } },
    },
  };
}

const PACKAGES = [
  addon('virtual', 'virtual', {}),
  addon('http', 'R2Jh6IhT', {}),
  addon('knx', 'vRy6GTde', {
    preinstalled: false,
    runtime: { process: { entry: 'src/main.ts', memoryMb: 128 } },
    actions: {
      searchServers: {
        title: 'Look for KNX/IP servers',
        description: 'Searches the network',
        parameters: {
          type: 'object',
          additionalProperties: false,
          properties: { seconds: { type: 'integer', minimum: 1, default: 3 } },
        },
        scope: 'control',
        timeoutSeconds: 60,
      },
      reset: { parameters: { type: 'object' }, scope: 'admin', timeoutSeconds: 1 },
    },
    parameters: { type: 'object', required: ['ip_address'], properties: { ip_address: { type: 'string' } } },
  }),
];

let described: Promise<DescribedAnswers> | undefined;

export class ApiUnderTest {
  readonly events: GatewayEventBus = new EventBus((_event, error) => {
    throw error;
  });
  readonly store = new MemoryReadingStore();
  readonly link = new MemoryAddonLink();
  readonly #registry = new MemoryRegistry();
  readonly types = new TypeCatalogue();
  /** Added to the clock of everything here. */
  aheadMs = 0;
  readonly #now = () => Date.now() + this.aheadMs;
  readonly devices = new Devices({
    registry: this.#registry,
    availability: new MemoryAvailability(),
    types: this.types,
    events: this.events,
    gatewayId: GATEWAY_ID,
    projectId: PROJECT_ID,
    now: this.#now,
    newId: shortId,
  });
  readonly health = new Health({ events: this.events, now: this.#now, vital: ['store'] });
  backlog: { readings: number; sinceMs?: number } = { readings: 0 };
  readonly figures = new Figures({
    storeBytes: async () => 4_096,
    retention: { maxAgeSeconds: 30 * 86_400, maxBytes: 1_024_000_000 },
    backlog: () => this.backlog,
  });
  readonly readings = new Readings({ store: this.store, devices: this.devices, events: this.events });
  readonly webhooks = new Webhooks({
    registry: this.#registry,
    devices: this.devices,
    readings: this.readings,
    figures: this.figures,
    now: this.#now,
  });
  readonly pairing = new Pairing({
    devices: this.devices,
    link: this.link,
    events: this.events,
    now: Date.now,
  });
  readonly protocols = new Protocols({
    registry: this.#registry,
    devices: this.devices,
    types: this.types,
    link: this.link,
    health: this.health,
    events: this.events,
    now: this.#now,
  });
  readonly deviceImport = new DeviceImport({
    protocols: this.protocols,
    devices: this.devices,
    types: this.types,
    pairing: this.pairing,
    events: this.events,
  });
  readonly commands = new Commands({
    devices: this.devices,
    link: this.link,
    events: this.events,
    repeatable: new IdempotentCalls({
      store: new MemoryRepeats(),
      now: this.#now,
      monotonicNow: this.#now,
      onTrouble: (error) => {
        throw error;
      },
    }),
    now: this.#now,
    monotonicNow: this.#now,
  });
  readonly operations = new Operations({
    store: new MemoryOperations(),
    devices: this.devices,
    commands: this.commands,
    projectId: PROJECT_ID,
    now: this.#now,
    newId: shortId,
    onTrouble: (error) => {
      throw error;
    },
  });
  readonly #notificationLog = new NotificationLog({
    store: new MemoryNotifications(),
    onTrouble: (error) => {
      throw error;
    },
  });
  readonly notifications = new Notifications({
    log: this.#notificationLog,
    events: this.events,
    now: this.#now,
    newId: randomUUID,
  });
  readonly #rules = new NotificationRules({
    notifications: this.notifications,
    devices: this.devices,
    events: this.events,
  });
  readonly ownLog = new LogRing();
  readonly logs = new Logs({
    own: this.ownLog,
    devices: this.devices,
    protocols: this.protocols,
    events: this.events,
    now: this.#now,
    gatherMs: 20,
  });
  readonly credentials: AddonCredentials = {
    brokerUrl: 'mqtt://127.0.0.1:1883',
    issue: (slug) => ({ brokerUrl: 'mqtt://127.0.0.1:1883', addon: slug, token: 'x' }),
    readmit: () => undefined,
    revoke: () => undefined,
  };
  readonly logins = new ExternalLogins({ protocols: this.protocols, credentials: this.credentials });
  readonly #shelf: AddonShelf;
  readonly installations: Installations;
  readonly #fetches = new ImageFetches(this.events);
  readonly #backups: Backups;
  readonly #restores: Restores;
  /** How often the gateway was asked to start again. */
  restarts = 0;
  readonly clients = new Clients({ store: new MemoryClients(), events: this.events, now: this.#now });
  readonly tokens: Tokens;
  readonly certificate: ServerCertificate | undefined;
  readonly api: Api;
  readonly socketPath: string;
  readonly #folder: string;
  readonly #logLines: string[];

  private constructor(
    folder: string,
    { lifetimeSeconds = 3_600, logLevel = 'warn', certificate: source, ...settings }: TestSettings,
    historyStore: HistoryStore,
  ) {
    this.#folder = folder;
    this.socketPath = join(folder, 'gate.sock');
    const lines: string[] = [];
    this.#logLines = lines;
    this.#shelf = new AddonShelfOnDisk(folder);
    this.installations = new Installations({
      protocols: this.protocols,
      logins: this.logins,
      credentials: this.credentials,
      shelf: this.#shelf,
      logs: this.logs,
      events: this.events,
      now: this.#now,
      onTrouble: (message, error) => {
        throw new Error(message, { cause: error });
      },
    });
    const received = new ReceivedFilesOnDisk({ dataFolder: folder, now: this.#now });
    const command = {
      cliPath: resolve(import.meta.dirname, '../../../../src/cli/main.ts'),
      nodePath: process.execPath,
      environment: { PATH: process.env['PATH'], CONFIG_FOLDER: join(folder, 'config') },
      dataFolder: folder,
    };
    this.#backups = new Backups({
      maker: new BackupByCommand(command),
      events: this.events,
      now: this.#now,
      onTrouble: (error) => {
        throw error;
      },
    });
    this.#restores = new Restores({
      desk: new RestoreDeskOnDisk({
        ...command,
        configFolder: join(folder, 'config'),
        now: this.#now,
        checkSettings: async () => undefined,
      }),
      received,
      events: this.events,
      restart: () => {
        this.restarts += 1;
      },
      now: this.#now,
    });
    this.tokens = new Tokens({
      clients: this.clients,
      registry: this.#registry,
      issuer: GATEWAY_ID,
      lifetimeSeconds,
      now: this.#now,
      newId: shortId,
    });
    const logger = pino({ level: logLevel }, { write: (line) => lines.push(line) });
    this.certificate =
      source &&
      new ServerCertificate({
        source,
        health: this.health,
        events: this.events,
        logger,
        now: this.#now,
        checkIntervalMs: 50,
      });
    this.api = new Api({
      settings: {
        lan: { bind: '127.0.0.1', port: 0 },
        socketPath: this.socketPath,
        anonymous: 'all',
        rateLimits: { clientPerSecond: 0, anonymousPerSecond: 0 },
        identity: { principal: 'N/A', retentionDays: 30 },
        corsOrigins: [],
        ...settings,
      },
      devices: this.devices,
      readings: this.readings,
      webhooks: this.webhooks,
      history: new History({ store: historyStore, devices: this.devices }),
      pairing: this.pairing,
      commands: this.commands,
      operations: this.operations,
      protocols: this.protocols,
      installations: this.installations,
      foreignAddons: new ForeignAddons({
        protocols: this.protocols,
        devices: this.devices,
        installations: this.installations,
        shelf: this.#shelf,
      }),
      logins: this.logins,
      actions: new ProtocolActions({
        protocols: this.protocols,
        devices: this.devices,
        operations: this.operations,
        link: this.link,
      }),
      scans: new Scans({ protocols: this.protocols, devices: this.devices, link: this.link }),
      uploads: new ProtocolUploads({
        protocols: this.protocols,
        uploads: new AddonUploadsOnDisk({ dataFolder: folder, newId: shortId, now: this.#now }),
      }),
      deviceImport: this.deviceImport,
      fetches: this.#fetches,
      backups: this.#backups,
      restores: this.#restores,
      updates: new SoftwareUpdates({
        desk: undefined,
        received,
        events: this.events,
        onTrouble: (error) => {
          throw error;
        },
      }),
      serialPorts: new SerialPortsOnDisk({ devFolder: join(folder, 'dev'), sysFolder: join(folder, 'sys') }),
      types: this.types,
      notifications: this.notifications,
      logs: this.logs,
      clients: this.clients,
      tokens: this.tokens,
      health: this.health,
      figures: this.figures,
      events: this.events,
      now: this.#now,
      monotonicNow: this.#now,
      certificate: this.certificate,
      logger,
    });
  }

  /** Made, but not started. */
  static async create(
    settings: TestSettings = {},
    historyStore: HistoryStore = new MemoryHistory(),
  ): Promise<ApiUnderTest> {
    return new ApiUnderTest(await mkdtemp(join(tmpdir(), 'gate-api-')), settings, historyStore);
  }

  /** @param historyStore a real store, where a test asks for history */
  static async start(settings: TestSettings = {}, historyStore?: HistoryStore): Promise<ApiUnderTest> {
    const made = await ApiUnderTest.create(settings, historyStore);
    await made.devices.start();
    await made.webhooks.start();
    await made.protocols.start(PACKAGES);
    made.#rules.start();
    made.logs.start();
    made.installations.start();
    made.#fetches.start();
    await made.#backups.start();
    await made.#restores.start();
    await made.clients.start();
    await made.tokens.start();
    made.health.report('store', 'running');
    await made.certificate?.start();
    await made.api.start();
    return made;
  }

  async stop(): Promise<void> {
    await this.api.stop();
    this.deviceImport.stop();
    await this.certificate?.stop();
    this.installations.stop();
    this.#fetches.stop();
    await this.#backups.stop();
    await this.#restores.stop();
    this.logs.stop();
    this.#rules.stop();
    this.notifications.stop();
    await this.#notificationLog.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Where files sent for an add-on lie. */
  uploadsOf(slug: string): string {
    return join(this.#folder, 'addons-data', slug, 'uploads');
  }

  get log(): string {
    return this.#logLines.join('');
  }

  get port(): number {
    return this.api.address()?.port ?? 0;
  }

  get url(): string {
    return `${this.certificate ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** A new client of these scopes, with a token for it. */
  async clientOf(...scopes: Scope[]): Promise<ClientOfTest> {
    const { clientId, clientSecret } = await this.clients.add({ name: scopes.join(), scopes });
    const client = await this.clients.logIn(clientId, clientSecret);
    const { token } = await this.tokens.issue(client, scopes);
    return { clientId, clientSecret, token, headers: { Authorization: `Bearer ${token}` } };
  }

  /** Calls over TCP, as the LAN does. The answer is held against its description. */
  async call<Body = JsonObject>(path: string, options: CallOptions = {}): Promise<Answer<Body>> {
    const answer = await send<Body>({ host: '127.0.0.1', port: this.port, path }, options);
    return this.#checked(answer, path, options);
  }

  /** Calls over `gate.sock`. The answer is held against its description. */
  async callLocally<Body = JsonObject>(path: string, options: CallOptions = {}): Promise<Answer<Body>> {
    const answer = await send<Body>({ socketPath: this.socketPath, path }, options);
    return this.#checked(answer, path, options);
  }

  /** What `/openapi.json` says, read once for all tests: it is the same on every gateway. */
  described(): Promise<DescribedAnswers> {
    described ??= send<Document>({ socketPath: this.socketPath, path: '/openapi.json' }, {}).then(
      ({ body }) => new DescribedAnswers(body),
    );
    return described;
  }

  async #checked<Body>(
    answer: Answer<Body>,
    target: string,
    { method = 'GET' }: CallOptions,
  ): Promise<Answer<Body>> {
    (await this.described()).check({ method, target, ...answer });
    return answer;
  }

  /** Records readings as an add-on's commit does: stored, then told. */
  async record(deviceId: string, readings: readonly { ts: number; data: JsonObject }[]): Promise<void> {
    const addonOf = this.devices.get(deviceId).protocol as string;
    for (const { ts, data } of readings) {
      await this.readings.record(addonOf, { deviceId, id: shortId(), ts, data });
    }
    this.readings.committed(readings.map(({ ts, data }) => ({ _id: shortId(24), deviceId, ts, data })));
  }
}

function send<Body>(
  target: { path: string; host?: string; port?: number; socketPath?: string },
  { method = 'GET', headers = {}, body }: CallOptions,
): Promise<Answer<Body>> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const type = text === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...target, method, headers: { ...type, ...headers } }, (response) => {
      const received: Buffer[] = [];
      response.on('data', (chunk: Buffer) => received.push(chunk));
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        const text = decoded(Buffer.concat(received), answered['content-encoding']).toString();
        resolve({ status, headers: answered, body: parsed(text, answered) as Body });
      });
    });
    request.on('error', reject);
    request.end(text);
  });
}

function decoded(body: Buffer, coding: string | undefined): Buffer {
  if (body.length === 0 || coding === undefined) return body;
  return coding === 'br' ? brotliDecompressSync(body) : gunzipSync(body);
}

function parsed(text: string, headers: IncomingHttpHeaders): unknown {
  if (text === '') return undefined;
  return headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text;
}
