/**
 * mosquitto with mutual TLS, as the cloud's endpoint: who connects is known by the common name of its certificate, and
 * a gateway may use the topics below its own base alone. It keeps sessions and messages over a restart.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../peers/free-port.ts';
import { programPath } from '../peers/peers.ts';
import type { Authority } from './authority.ts';

/** The name of who may use all topics. */
export const CLOUD_NAME = 'cloud';
const UP_DEADLINE_MS = 10_000;

export interface BrokerOptions {
  folder: string;
  authority: Authority;
  port?: number;
  address?: string;
  /** Names of its certificate. */
  alternativeNames?: string;
  /** Lines for its configuration, and for its access rules. */
  settings?: readonly string[];
  access?: readonly string[];
  /** The certificate of its own: where it shall be a bad one. */
  validFrom?: number;
  expiresAt?: number;
  /** Whether revoked certificates are looked for. */
  checksRevocation?: boolean;
}

export class MutualTlsBroker {
  readonly port: number;
  /** What it wrote, as far as it was started with `log_type`. */
  output = '';
  readonly #options: BrokerOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, options: BrokerOptions) {
    this.port = port;
    this.#options = options;
  }

  static async start(options: BrokerOptions): Promise<MutualTlsBroker> {
    const broker = new MutualTlsBroker(options.port ?? (await freePort()), options);
    const { folder, authority, alternativeNames = 'IP:127.0.0.1,DNS:localhost' } = options;
    mkdirSync(folder, { recursive: true });
    const { validFrom, expiresAt } = options;
    const pair = authority.issue({
      commonName: 'broker',
      alternativeNames,
      ...(validFrom === undefined ? {} : { validFrom }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
    writeFileSync(join(folder, 'broker.pem'), pair.certificate);
    writeFileSync(join(folder, 'broker.key'), pair.key, { mode: 0o600 });
    await broker.start();
    return broker;
  }

  /** Also again, with what was changed in `change`. */
  async start(change: Partial<BrokerOptions> = {}): Promise<void> {
    Object.assign(this.#options, change);
    const { folder, address = '127.0.0.1' } = this.#options;
    writeFileSync(join(folder, 'access'), `${this.#access().join('\n')}\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'mosquitto.conf'), `${this.#configuration().join('\n')}\n`);
    const child = spawn(programPath('mosquitto') ?? 'mosquitto', ['-c', join(folder, 'mosquitto.conf')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-1_000_000);
      });
    }
    this.#process = child;
    const endsAt = performance.now() + UP_DEADLINE_MS;
    while (!(await answers(address, this.port))) {
      if (child.exitCode !== null || performance.now() > endsAt)
        throw new Error(`mosquitto did not come up: ${this.output}`);
      await pause(20);
    }
  }

  /** As a power cut would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** It stands still: its connections stay, and nobody answers on them. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  #access(): string[] {
    const { access } = this.#options;
    return [`user ${CLOUD_NAME}`, 'topic readwrite #', ...(access ?? ['pattern readwrite +/+/%u/#'])];
  }

  #configuration(): string[] {
    const { folder, authority, address = '127.0.0.1', settings = [], checksRevocation } = this.#options;
    return [
      `listener ${this.port} ${address}`,
      `cafile ${authority.certificatePath}`,
      `certfile ${join(folder, 'broker.pem')}`,
      `keyfile ${join(folder, 'broker.key')}`,
      ...(checksRevocation ? [`crlfile ${authority.revocations()}`] : []),
      'require_certificate true',
      'use_identity_as_username true',
      'allow_anonymous false',
      `acl_file ${join(folder, 'access')}`,
      'set_tcp_nodelay true',
      'persistence true',
      `persistence_location ${folder}/`,
      'max_queued_messages 0',
      // files stay those of whoever started it
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      ...settings,
    ];
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    child.kill('SIGCONT');
    await ended;
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
