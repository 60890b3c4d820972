/**
 * The built daemon with a cloud: the reporting add-on stores live readings all the time, and what was stored before
 * waits for the link. Its broker is away until it is started.
 */
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudBroker } from '../../test/support/cloud-broker.ts';
import type { Daemon } from '../../test/support/daemon.ts';
import { addForeignAddon } from '../../test/support/foreign-addon.ts';
import { until } from '../../test/support/until.ts';
import { BENCH_SLUG, Reports, writeReportingAddon } from './loaded-gateway.ts';
import { monotonicMs } from './monotonic.ts';
import type { Job } from './reporting-addon.ts';
import type { Scope } from './scope.ts';
import type { Built, Plan } from './store-builder.ts';

/** As its certificate is named. */
const GATEWAY = 'gateway';
const IDENTITY = { PROJECT_ID: 'p', PARENT_DEVICE_ID: GATEWAY, NODE_ENV: 'production' };
const UP_MS = 60_000;

export interface CloudGatewayOptions {
  /** What waits for the cloud already. */
  backlog: number;
  /** What the add-on reports once the daemon runs with its cloud. */
  job: Job;
  environment: Record<string, string>;
}

export class CloudGateway {
  readonly #scope: Scope;
  readonly #dataFolder: string;
  readonly #environment: Record<string, string>;
  #daemon: Daemon | undefined;

  private constructor(scope: Scope, dataFolder: string, environment: Record<string, string>) {
    this.#scope = scope;
    this.#dataFolder = dataFolder;
    this.#environment = environment;
  }

  /** The gateway as it is before it has a cloud, switched off. */
  static async prepare(
    scope: Scope,
    broker: CloudBroker,
    { backlog, job, environment }: CloudGatewayOptions,
  ): Promise<CloudGateway> {
    const dataFolder = scope.folder();
    const program = "import './reporting-addon.js';\n";
    const type = addForeignAddon(dataFolder, { slug: BENCH_SLUG, program });
    writeReportingAddon(join(dataFolder, 'addons', BENCH_SLUG));
    const gateway = new CloudGateway(scope, dataFolder, {
      ...IDENTITY,
      HOST: '127.0.0.1',
      CLOUD_PORT: String(broker.port),
      CLOUD_RETRY_MAX_SECONDS: '1',
      RETENTION_MB: '1000000',
      RETENTION_DAYS: '3650',
      ...environment,
    });
    const ids = await gateway.#furnish(type, job);
    if (backlog > 0) await gateway.#fill(ids, backlog);
    const { certificatePath, keyPath } = broker.makeClient(GATEWAY);
    const config = join(dataFolder, 'config');
    mkdirSync(config, { recursive: true });
    copyFileSync(certificatePath, join(config, 'certificate.pem'));
    copyFileSync(keyPath, join(config, 'private.key'));
    copyFileSync(broker.authorityPath, join(config, 'awsRootCA1.pem'));
    return gateway;
  }

  get pid(): number {
    return this.#daemon?.process.pid ?? 0;
  }

  get reports(): Reports {
    return new Reports(join(this.#dataFolder, 'addons-data', BENCH_SLUG));
  }

  async start(): Promise<void> {
    this.#daemon = await this.#start(this.#environment);
  }

  /** When the link was made, on the monotonic clock. */
  async connected(): Promise<number> {
    const daemon = this.#daemon;
    await until(
      'the gateway is connected',
      () => daemon?.log.some(({ msg }) => msg === 'cloud is running'),
      UP_MS,
    );
    return monotonicMs();
  }

  async kill(): Promise<void> {
    const { process } = this.#daemon as Daemon;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
  }

  /** The devices and the add-on. What it reports meanwhile is not for the cloud: there is none yet. */
  async #furnish(type: string, job: Job): Promise<string[]> {
    const daemon = await this.#start(IDENTITY);
    const ids: string[] = [];
    for (let n = 0; n < job.devices; n += 1) {
      const body = { name: `device ${n}`, type };
      ids.push((await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', body)).id);
    }
    await daemon.api.send('POST', `/device/v1/protocols/${BENCH_SLUG}/installation`, { parameters: job });
    await daemon.stop();
    return ids;
  }

  async #fill(ids: string[], readings: number): Promise<void> {
    const plan: Plan = {
      file: join(this.#dataFolder, 'gate.db'),
      ids,
      readings,
      batch: 5_000,
      lastTs: Date.now(),
      spreadMs: 86_400_000,
      relayed: true,
    };
    await this.#scope.fork('store-builder.ts', [JSON.stringify(plan)]).next<Built>();
  }

  async #start(environment: Record<string, string>): Promise<Daemon> {
    const daemon = this.#scope.spawnDaemon(this.#dataFolder, environment);
    await until('the daemon is up', () => daemon.log.some(({ msg }) => msg.startsWith('gate is up')), UP_MS);
    return daemon;
  }
}
