/** A daemon on a container engine of its own, heard through socket.io: what the container tests share. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { freePort } from '../../../scripts/peers/free-port.ts';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { Daemon } from '../../support/daemon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

export interface Protocol {
  status: string;
  state: string;
  reason?: string;
  image?: { name: string; digest?: string };
}
export interface Installation {
  installationSuccess: boolean;
  exitStatus: number;
  stdout: string;
  stderr: string;
  versions: Record<string, string>;
  newContainers: string[];
}
export interface Progress {
  protocol: string;
  status: string;
  reason: string;
  progress?: { layers: number; layersDone: number; bytes: number; totalBytes: number };
}
interface Part {
  state: string;
  reason?: string;
  restarts?: number;
  lastFailure?: string;
}
export interface LogLine {
  type: string;
  message: string;
  timestamp: number;
}
interface Container {
  id: string;
  image: string;
  state: string;
}

export class ContainerHouse {
  readonly engine: ContainerEngine;
  readonly folder = tempFolder();
  readonly ended: Installation[] = [];
  readonly progress: Progress[] = [];
  /** What was told of the logs of add-ons, over all lives of the daemon. */
  readonly told: (LogLine & { log: string })[] = [];
  readonly environment: Record<string, string>;
  #daemon: Daemon | undefined;
  #socket: Socket | undefined;

  constructor(engine: ContainerEngine, environment: Record<string, string> = {}) {
    this.engine = engine;
    this.environment = { ...engine.environment, ON_PREMISE_ANONYMOUS: 'all', ...environment };
  }

  /** A house whose broker keeps its port, as a user's does: what runs can be taken over. */
  static async open(
    engine: ContainerEngine,
    environment: Record<string, string> = {},
  ): Promise<ContainerHouse> {
    return new ContainerHouse(engine, { LOCAL_BROKER_PORT: String(await freePort()), ...environment });
  }

  get isUp(): boolean {
    return this.#daemon !== undefined;
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error('the daemon is not started');
    return this.#daemon;
  }

  async start(environment: Record<string, string> = {}): Promise<void> {
    this.#daemon = await Daemon.start({
      dataFolder: this.folder.path,
      environment: { ...this.environment, ...environment },
    });
    this.#socket = io(this.#daemon.url, { transports: ['websocket'], query: { events: 'installation,log' } });
    for (const name of ['installation_succeded', 'installation_failed'])
      this.#socket.on(name, ({ event }) => this.ended.push(event));
    this.#socket.on('installation_progress', (step: Progress) => this.progress.push(step));
    this.#socket.on('log', ({ logs, containerName: log }: { logs: LogLine[]; containerName: string }) =>
      this.told.push(...logs.map((line) => ({ ...line, log }))),
    );
    await until('the socket is connected', () => this.#socket?.connected);
  }

  async stop(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    this.#socket?.disconnect();
    const daemon = this.#daemon;
    this.#daemon = undefined;
    await daemon?.[how]();
  }

  /** The daemon ends; its containers go with the house. */
  async close(): Promise<void> {
    await this.stop();
    const left = (await this.engine.docker('ps', '--all', '--quiet')).split('\n').filter(Boolean);
    if (left.length > 0) await this.engine.docker('rm', '--force', '--volumes', ...left);
    // the next house begins with nothing
    await this.engine.docker('network', 'rm', 'gate-net').catch(() => undefined);
    this.folder.remove();
  }

  /** An add-on of others that is an image; found at the next start. */
  addProtocol(slug: string, container: object, parameters: object = { type: 'object' }): void {
    const folder = join(this.folder.path, 'addons', slug);
    mkdirSync(folder, { recursive: true });
    const head = { id: slug, slug, name: slug, contract: 1, version: '1.0.0', parameters };
    writeFileSync(join(folder, 'addon.json'), JSON.stringify({ ...head, runtime: { container } }));
  }

  call(method: string, slug: string, body?: object, query = '') {
    const path = `/device/v1/protocols/${slug}/installation${query}`;
    return this.daemon.api.call<Protocol & { message: string; hint?: string; code: string }>(
      method,
      path,
      body,
    );
  }

  protocol(slug: string): Promise<Protocol> {
    return this.daemon.api.get<Protocol>(`/device/v1/protocols/${slug}`);
  }

  async part(name: string): Promise<Part | undefined> {
    const { body } = await this.daemon.api.call<{
      parts: Record<string, { state: string; reason?: string }>;
    }>('GET', '/health/ready');
    return body.parts[name];
  }

  /** Begins it, and waits for its end as it is told to applications. */
  async outcome(method: 'POST' | 'PUT', slug: string, body?: object): Promise<Installation> {
    const before = this.ended.length;
    const { status, body: answer } = await this.call(method, slug, body);
    if (status !== 202) throw new Error(`${method} was answered ${status}: ${JSON.stringify(answer)}`);
    return until(`the end of the ${method} of ${slug}`, () => this.ended[before], 90_000);
  }

  async removed(slug: string, query = ''): Promise<void> {
    await this.call('DELETE', slug, undefined, query);
    await until(
      `${slug} is removed`,
      async () => (await this.protocol(slug)).status === 'notInstalled',
      40_000,
    );
  }

  runs(slug: string): Promise<Protocol> {
    return until(
      `${slug} runs`,
      async () => {
        const found = await this.protocol(slug);
        return found.state === 'running' && found;
      },
      90_000,
    );
  }

  /** Containers of this gateway's add-on, by its label. */
  async containers(slug: string): Promise<Container[]> {
    const format = '{{.ID}}\t{{.Label "gate.image"}}\t{{.State}}';
    const filter = `label=gate.addon=${slug}`;
    const text = await this.engine.docker(
      'ps',
      '--all',
      '--no-trunc',
      '--filter',
      filter,
      '--format',
      format,
    );
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [id = '', image = '', state = ''] = line.split('\t');
        return { id, image, state };
      });
  }

  /** The address that containers reach this machine at. */
  async gateway(): Promise<string> {
    return this.engine.docker(
      'network',
      'inspect',
      'gate-net',
      '--format',
      '{{(index .IPAM.Config 0).Gateway}}',
    );
  }
}
