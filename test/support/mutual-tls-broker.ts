/**
 * A real broker that lets in nobody without a certificate: mosquitto, with an authority of its own, as clouds have it.
 * In a folder of its own, on a free port, which it keeps over a restart.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as open } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { programPath } from '../../scripts/peers/peers.ts';
import { until } from './until.ts';

/** Whose certificate it is becomes the name under which somebody is let in. */
export interface ClientPair {
  certificatePath: string;
  keyPath: string;
}

export class MutualTlsBroker {
  readonly port: number;
  readonly folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  static async start(): Promise<MutualTlsBroker> {
    const folder = mkdtempSync(join(tmpdir(), 'gate-cloud-'));
    // mosquitto gives up root, and must still read and write here
    chmodSync(folder, 0o777);
    const broker = new MutualTlsBroker(folder, await freePort());
    broker.#makeAuthority();
    broker.#writeConfig();
    await broker.start();
    return broker;
  }

  get url(): string {
    return `mqtts://127.0.0.1:${this.port}`;
  }

  get authorityPath(): string {
    return join(this.folder, 'ca.pem');
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async start(): Promise<void> {
    const program = programPath('mosquitto');
    if (!program) throw new Error('mosquitto is not installed');
    this.#process = spawn(program, ['-c', join(this.folder, 'mosquitto.conf')], { stdio: 'ignore' });
    await until('mosquitto listens', () => listens(this.port));
  }

  /** What it holds for others is on its disk after SIGTERM; SIGKILL is a power cut. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const exit = once(running, 'exit');
    running.kill(signal);
    await exit;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** A certificate of the broker's authority. */
  makeClient(name: string): ClientPair {
    return this.#sign(name, 'extendedKeyUsage=clientAuth');
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

  #makeAuthority(): void {
    const subject = ['-subj', '/CN=test authority', '-addext', 'basicConstraints=critical,CA:true'];
    openssl(this.folder, [
      'req',
      '-x509',
      ...NEW_KEY,
      '-days',
      '30',
      ...subject,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    ]);
    this.#sign('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
    chmodSync(join(this.folder, 'server.key'), 0o644);
  }

  #sign(name: string, extension: string): ClientPair {
    const [key, request, certificate] = [`${name}.key`, `${name}.csr`, `${name}.pem`];
    openssl(this.folder, ['req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request]);
    writeFileSync(join(this.folder, `${name}.ext`), extension);
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
    openssl(this.folder, [
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      '-extfile',
      `${name}.ext`,
      '-out',
      certificate,
    ]);
    return { certificatePath: join(this.folder, certificate), keyPath: join(this.folder, key) };
  }

  #writeConfig(): void {
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      ...['ca', 'cert', 'key'].map((kind) => {
        const file = { ca: 'ca.pem', cert: 'server.pem', key: 'server.key' }[kind];
        return `${kind}file ${join(this.folder, file ?? '')}`;
      }),
      'require_certificate true',
      'use_identity_as_username true',
      'allow_anonymous false',
      // without it each answer is up to 40 ms late
      'set_tcp_nodelay true',
      'persistence true',
      `persistence_location ${this.folder}/`,
      'max_queued_messages 0',
      'max_inflight_messages 1000',
      'log_type error',
    ];
    writeFileSync(join(this.folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256'];

function openssl(folder: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore', timeout: 20_000 });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
