/**
 * The container engine (Docker, or Podman by its compatible socket). Each call has a deadline, and each refusal is in
 * gate's words. What makes something that is there already, or takes away what is gone, has succeeded. dockerode is
 * loaded with the first call: a gateway without containers never has it in memory.
 */
import { request } from 'node:http';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type {
  ContainerCreateOptions,
  ContainerInfo,
  ContainerInspectInfo,
  ImageInspectInfo,
} from 'dockerode';
import { withDeadline } from '../../lib/deadline.ts';
import { engineError, hasStatus } from './engine-error.ts';

/** Whatever does not stream; making a container on a slow card takes a while. */
const CALL_MS = 30_000;
/** Only to hear whether it is there. */
const PING_MS = 3_000;

export interface EngineVersion {
  /** `Docker 20.10.24` */
  name: string;
}

/** A network's own address and range: what containers in it see of the box. */
export interface NetworkPlace {
  gateway: string;
  subnet: string;
}

export class Engine {
  readonly socketPath: string;
  #docker: Promise<Dockerode> | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Without dockerode, for it may not be needed at all. @throws Error saying why it does not answer */
  version(): Promise<EngineVersion> {
    const { socketPath } = this;
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath, path: '/version', timeout: PING_MS }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          try {
            const { Version, Components } = JSON.parse(text);
            const isPodman = /podman/i.test(JSON.stringify(Components ?? ''));
            resolve({ name: `${isPodman ? 'Podman' : 'Docker'} ${Version}` });
          } catch (error) {
            reject(error);
          }
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PING_MS / 1_000} s`)));
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  /** All containers with these labels (`''`: of whatever value), those that do not run too. */
  containers(labels: Record<string, string>): Promise<ContainerInfo[]> {
    const filters = { label: labelFilter(labels) };
    return this.#call('listing containers', (docker) => docker.listContainers({ all: true, filters }));
  }

  /** @returns its id */
  async createContainer(options: ContainerCreateOptions): Promise<string> {
    const container = await this.#call(`making container ${options.name}`, (docker) =>
      docker.createContainer(options),
    );
    return container.id;
  }

  startContainer(id: string): Promise<void> {
    return this.#unless([304], `starting container ${short(id)}`, (docker) =>
      docker.getContainer(id).start(),
    );
  }

  /** Asks it to end; after so many seconds it is killed. */
  stopContainer(id: string, seconds: number): Promise<void> {
    return this.#unless([304, 404], `stopping container ${short(id)}`, (docker) =>
      docker.getContainer(id).stop({ t: seconds }),
    );
  }

  removeContainer(id: string): Promise<void> {
    return this.#unless([404, 409], `removing container ${short(id)}`, (docker) =>
      docker.getContainer(id).remove({ force: true, v: true }),
    );
  }

  /** Undefined when there is none. */
  inspect(id: string): Promise<ContainerInspectInfo | undefined> {
    return this.#find(`looking at container ${short(id)}`, (docker) => docker.getContainer(id).inspect());
  }

  /** What it wrote and writes, with times, from `since` (seconds with a fraction) on. Ends when it does. */
  async logs(id: string, since: string, signal: AbortSignal): Promise<Readable> {
    const options = { follow: true as const, stdout: true, stderr: true, timestamps: true };
    // typed as a number, but nanoseconds do not fit into one
    const from = since as unknown as number;
    return this.#stream(`following container ${short(id)}`, signal, (docker) =>
      docker.getContainer(id).logs({ ...options, since: from, abortSignal: signal }),
    );
  }

  /** What happens to containers with these labels, a JSON line each. */
  async events(labels: Record<string, string>, signal: AbortSignal): Promise<Readable> {
    const filters = {
      type: ['container'],
      event: ['die', 'died', 'health_status'],
      label: labelFilter(labels),
    };
    return this.#stream('listening to the engine', signal, (docker) =>
      docker.getEvents({ filters: JSON.stringify(filters), abortSignal: signal }),
    );
  }

  /** The progress of fetching an image, a JSON line each; its end is that of the work. */
  async pull(name: string, signal: AbortSignal): Promise<Readable> {
    return this.#stream(`fetching image ${name}`, signal, (docker) =>
      docker.pull(name, { abortSignal: signal }),
    );
  }

  /** Undefined when there is none here. */
  image(nameOrId: string): Promise<ImageInspectInfo | undefined> {
    return this.#find(`looking at image ${nameOrId}`, (docker) => docker.getImage(nameOrId).inspect());
  }

  /** Leaves it where something still uses it. */
  removeImage(nameOrId: string): Promise<void> {
    return this.#unless([404, 409], `deleting image ${nameOrId}`, (docker) =>
      docker.getImage(nameOrId).remove({ force: false }),
    );
  }

  createVolume(name: string, labels: Record<string, string>): Promise<void> {
    return this.#call(`making volume ${name}`, async (docker) => {
      await docker.createVolume({ Name: name, Labels: labels });
    });
  }

  /** The labels of a volume; undefined when there is none. */
  async volume(name: string): Promise<Record<string, string> | undefined> {
    const found = await this.#find(`looking at volume ${name}`, (docker) => docker.getVolume(name).inspect());
    return found && (found.Labels ?? {});
  }

  removeVolume(name: string): Promise<void> {
    return this.#unless([404], `deleting volume ${name}`, (docker) => docker.getVolume(name).remove());
  }

  /** A bridge whose containers do not reach each other. */
  createNetwork(name: string, labels: Record<string, string>): Promise<void> {
    return this.#unless([409], `making network ${name}`, (docker) =>
      docker.createNetwork({
        Name: name,
        Driver: 'bridge',
        CheckDuplicate: true,
        Labels: labels,
        Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      }),
    );
  }

  /** Undefined when there is none. */
  async network(
    name: string,
  ): Promise<{ place: NetworkPlace | undefined; labels: Record<string, string> } | undefined> {
    const found = await this.#find(`looking at network ${name}`, (docker) =>
      docker.getNetwork(name).inspect(),
    );
    if (!found) return undefined;
    const configs = found.IPAM?.Config ?? [];
    const own = configs.find(({ Gateway, Subnet }) => Gateway && Subnet && !Gateway.includes(':'));
    const place = own?.Gateway && own.Subnet ? { gateway: own.Gateway, subnet: own.Subnet } : undefined;
    return { place, labels: found.Labels ?? {} };
  }

  /** Leaves it where containers are in it: 403. */
  removeNetwork(name: string): Promise<void> {
    return this.#unless([403, 404, 409], `removing network ${name}`, (docker) =>
      docker.getNetwork(name).remove(),
    );
  }

  async #call<T>(what: string, call: (docker: Dockerode) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(call(await this.#load()), CALL_MS, what);
    } catch (error) {
      throw engineError(what, error);
    }
  }

  /** As `#call`, where these answers are as good as success. */
  async #unless(
    statuses: readonly number[],
    what: string,
    call: (docker: Dockerode) => Promise<unknown>,
  ): Promise<void> {
    await this.#call(what, async (docker) => {
      await call(docker).catch((error: unknown) => {
        if (!hasStatus(error, ...statuses)) throw error;
      });
    });
  }

  #find<T>(what: string, call: (docker: Dockerode) => Promise<T>): Promise<T | undefined> {
    return this.#call(what, (docker) =>
      call(docker).catch((error: unknown) => {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }),
    );
  }

  /** The deadline is that of its beginning: a stream may be silent for long. */
  async #stream(
    what: string,
    signal: AbortSignal,
    open: (docker: Dockerode) => Promise<NodeJS.ReadableStream>,
  ): Promise<Readable> {
    const stream = (await this.#call(what, open)) as Readable;
    // dockerode ends only what has not begun to answer
    const end = () => stream.destroy();
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', end));
    return stream;
  }

  #load(): Promise<Dockerode> {
    this.#docker ??= import('dockerode').then(
      ({ default: Docker }) => new Docker({ socketPath: this.socketPath }),
    );
    return this.#docker;
  }
}

function labelFilter(labels: Record<string, string>): string[] {
  return Object.entries(labels).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
}

function short(id: string): string {
  return id.slice(0, 12);
}
