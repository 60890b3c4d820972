/**
 * The broker of the stand-in for the cloud, in a temporary folder, for tests and benchmarks of what goes over it:
 * whoever has a certificate of its authority may use every topic.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { Authority } from '../../scripts/cloud/authority.ts';
import { MutualTlsBroker } from '../../scripts/cloud/mutual-tls-broker.ts';
import { tempFolder } from './temp-folder.ts';

/** Whose certificate it is becomes the name under which somebody is let in. */
export interface ClientPair {
  certificatePath: string;
  keyPath: string;
}

export class CloudBroker {
  readonly #folder: ReturnType<typeof tempFolder>;
  readonly #authority: Authority;
  readonly #broker: MutualTlsBroker;

  private constructor(
    folder: ReturnType<typeof tempFolder>,
    { authority, broker }: { authority: Authority; broker: MutualTlsBroker },
  ) {
    this.#folder = folder;
    this.#authority = authority;
    this.#broker = broker;
  }

  static async start(): Promise<CloudBroker> {
    const folder = tempFolder();
    const authority = new Authority(join(folder.path, 'authority'));
    const broker = await MutualTlsBroker.start({
      folder: join(folder.path, 'broker'),
      authority,
      // the second is for a bridge, whose will is there
      access: ['pattern readwrite #', 'pattern write $SYS/#'],
      settings: ['max_inflight_messages 1000', 'log_type error'],
    });
    return new CloudBroker(folder, { authority, broker });
  }

  get port(): number {
    return this.#broker.port;
  }

  get url(): string {
    return `mqtts://127.0.0.1:${this.port}`;
  }

  get authorityPath(): string {
    return this.#authority.certificatePath;
  }

  /** Again, after `stop`. */
  start(): Promise<void> {
    return this.#broker.start();
  }

  /** What it holds for others is on its disk. */
  stop(): Promise<void> {
    return this.#broker.stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    this.#folder.remove();
  }

  makeClient(name: string): ClientPair {
    const { certificate, key } = this.#authority.issue({ commonName: name });
    const pair = {
      certificatePath: join(this.#folder.path, `${name}.pem`),
      keyPath: join(this.#folder.path, `${name}.key`),
    };
    writeFileSync(pair.certificatePath, certificate);
    writeFileSync(pair.keyPath, key, { mode: 0o600 });
    return pair;
  }

  /** A client that is connected, and does not connect again by itself. */
  async connect(name: string, options: IClientOptions = {}): Promise<MqttClient> {
    const { certificatePath, keyPath } = this.makeClient(name);
    return mqtt.connectAsync(this.url, {
      clientId: name,
      ca: readFileSync(this.authorityPath),
      cert: readFileSync(certificatePath),
      key: readFileSync(keyPath),
      reconnectPeriod: 0,
      ...options,
    });
  }
}
