/** The real daemon at a real broker with mutual TLS: what the tests of the cloud have in common. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Authority, type Pair } from '../../../scripts/cloud/authority.ts';
import { CloudCounterpart, type Heard } from '../../../scripts/cloud/counterpart.ts';
import {
  clientIdOf,
  type GatewayPlace,
  writeCredentials,
} from '../../../scripts/cloud/credentials-folder.ts';
import { type BrokerOptions, CLOUD_NAME, MutualTlsBroker } from '../../../scripts/cloud/mutual-tls-broker.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { CloudRecorder } from '../../support/cloud-recorder.ts';
import { Daemon } from '../../support/daemon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);

export interface PartHealth {
  state: string;
  reason?: string;
  badMessages?: number;
  lastBadMessage?: string;
  fingerprint?: string;
  waitingReadings?: number;
  waitingSince?: string;
}

/** Why it cannot be tested here; undefined where it can. */
export const obstacle = () => reasonToSkip('mosquitto', 'openssl');

export interface CloudHouseOptions extends Partial<BrokerOptions> {
  environment?: string;
  host?: string;
  /** Account is kept of what passes between gateway and broker. */
  isRecorded?: boolean;
}

export class CloudHouse {
  readonly authority: Authority;
  readonly broker: MutualTlsBroker;
  readonly cloud: CloudCounterpart;
  readonly place: GatewayPlace;
  /** What passes between gateway and broker, where the house was opened so. */
  readonly recorder: CloudRecorder | undefined;
  readonly #folder: ReturnType<typeof tempFolder>;
  #daemon: Daemon | undefined;
  #pair: Pair | undefined;

  private constructor(parts: {
    authority: Authority;
    broker: MutualTlsBroker;
    cloud: CloudCounterpart;
    place: GatewayPlace;
    recorder: CloudRecorder | undefined;
    folder: ReturnType<typeof tempFolder>;
  }) {
    this.authority = parts.authority;
    this.broker = parts.broker;
    this.cloud = parts.cloud;
    this.place = parts.place;
    this.recorder = parts.recorder;
    this.#folder = parts.folder;
  }

  /** The broker and the cloud behind it, and a credentials folder; no daemon yet. */
  static async open(options: CloudHouseOptions = {}): Promise<CloudHouse> {
    const { environment, host = '127.0.0.1', isRecorded = false, ...rest } = options;
    const folder = tempFolder();
    const authority = new Authority(join(folder.path, 'authority'));
    const broker = await MutualTlsBroker.start({ folder: join(folder.path, 'broker'), authority, ...rest });
    const checksBroker = rest.alternativeNames === undefined && rest.validFrom === undefined;
    const cloud = await CloudCounterpart.connect(authority, { port: broker.port, checksBroker });
    const place: GatewayPlace = {
      projectId: 'JtjYANUvs',
      gatewayId: '9IHOifUF4',
      host,
      port: broker.port,
      ...(environment === undefined ? {} : { environment }),
    };
    const pair = authority.issue({ commonName: clientIdOf(place) });
    const recorder = isRecorded
      ? await CloudRecorder.start({ authority, pair, brokerPort: broker.port })
      : undefined;
    place.port = recorder?.port ?? broker.port;
    const house = new CloudHouse({ authority, broker, cloud, place, recorder, folder });
    writeCredentials(house.credentials, place, authority, pair);
    return house;
  }

  get credentials(): string {
    return join(this.#folder.path, 'credentials');
  }

  get dataFolder(): string {
    return join(this.#folder.path, 'data');
  }

  /** A file of this house. */
  file(name: string): string {
    return join(this.#folder.path, name);
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error('the daemon was not started');
    return this.#daemon;
  }

  /** `within`: as `Daemon` has it. */
  async startDaemon(
    environment: Record<string, string> = {},
    within: readonly string[] = [],
  ): Promise<Daemon> {
    this.#daemon = await Daemon.start({
      dataFolder: this.dataFolder,
      within,
      environment: {
        CONFIG_FOLDER: this.credentials,
        NODE_ENV: this.place.environment ?? '',
        CLOUD_RETRY_MAX_SECONDS: '1',
        ...environment,
      },
    });
    return this.#daemon;
  }

  /** `<kind>/<project>/<gateway>/<rest>` */
  topic(kind: string, rest: string): string {
    const { environment, projectId } = this.place;
    const prefix = environment === undefined ? '' : `${environment}-`;
    return `${prefix}${kind}/${projectId}/${clientIdOf(this.place)}${rest ? `/${rest}` : ''}`;
  }

  send(
    kind: string,
    rest: string,
    payload: unknown,
    properties?: { userProperties: Record<string, string> },
  ) {
    return this.cloud.send(this.topic(kind, rest), payload, properties);
  }

  /** The same by mosquitto_pub, with the certificate of the cloud. */
  async publish(kind: string, rest: string, payload: unknown): Promise<void> {
    const pem = join(this.#folder.path, 'cloud.pem');
    const key = join(this.#folder.path, 'cloud.key');
    this.#pair ??= this.authority.issue({ commonName: CLOUD_NAME });
    writeFileSync(pem, this.#pair.certificate);
    writeFileSync(key, this.#pair.key, { mode: 0o600 });
    const identity = ['--cafile', this.authority.certificatePath, '--cert', pem, '--key', key];
    const message = ['-q', '1', '-t', this.topic(kind, rest), '-m', JSON.stringify(payload)];
    const place = ['-h', '127.0.0.1', '-p', String(this.broker.port)];
    await run('mosquitto_pub', [...place, ...identity, ...message], { timeout: 10_000 });
  }

  /** Waits for a message to this topic that is as `matches` says. */
  async heard<T>(
    kind: string,
    rest: string,
    matches: (payload: T) => boolean = () => true,
    deadlineMs?: number,
  ): Promise<T> {
    const topic = this.topic(kind, rest);
    const is = ({ payload }: Heard) => matches(payload as T);
    const found = await until(`a message to ${topic}`, () => this.cloud.on(topic).find(is), deadlineMs);
    return found.payload as T;
  }

  async health(): Promise<PartHealth | undefined> {
    const { parts } = await this.daemon.api.get<{ parts: Record<string, PartHealth> }>('/health/ready');
    return parts['cloud'];
  }

  /** Waits until health says so of the link. */
  healthIs(what: string, is: (part: PartHealth) => boolean): Promise<PartHealth> {
    return until(what, async () => {
      const part = await this.health();
      return part !== undefined && is(part) && part;
    });
  }

  connected(): Promise<PartHealth> {
    return this.healthIs('the gateway is connected', ({ state }) => state === 'running');
  }

  /** Waits until health gives this reason. */
  reasonIs(reason: RegExp): Promise<PartHealth> {
    return this.healthIs(`health says ${reason}`, (part) => reason.test(part.reason ?? ''));
  }

  async stopDaemon(): Promise<number | string | undefined> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    return daemon?.stop();
  }

  async close(): Promise<void> {
    await this.stopDaemon();
    await this.recorder?.stop();
    await this.cloud.close();
    await this.broker.stop();
    this.#folder.remove();
  }
}
