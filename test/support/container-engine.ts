/**
 * A real Docker engine and a real registry of a test's own: data, sockets and ports in places of their own, gone
 * afterwards. Images are made on the spot, on a base that stands in for the public one: Node, what it is linked with,
 * and busybox.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../scripts/peers/free-port.ts';
import { npmPeerFolder } from '../../scripts/peers/npm-peers.ts';
import { programPath, reasonToSkip } from '../../scripts/peers/peers.ts';
import { type EngineCommand, podmanService } from './podman-service.ts';
import { tempFolder } from './temp-folder.ts';
import { until } from './until.ts';

const run = promisify(execFile);
/** The base image, in place of node:24-slim. */
export const BASE_IMAGE = 'gate-test/node:24-slim';
const START_MS = 60_000;
const BUILD_MS = 180_000;

export type EngineKind = 'docker' | 'podman';

/** Why no engine can be had here; undefined when one can. @throws in continuous integration */
export function reasonForNoEngine(kind: EngineKind = 'docker'): string | undefined {
  // images are made and looked at by Docker's command, whatever the engine
  if (process.getuid?.() === 0)
    return reasonToSkip('docker', ...(kind === 'podman' ? (['podman'] as const) : []));
  if (process.env['CI']) throw new Error('the container tests start an engine of their own, as root');
  return 'only root can start a container engine';
}

export class ContainerEngine {
  readonly #folder = tempFolder();
  readonly kind: EngineKind;
  readonly #socketPath: string;
  #engine: ChildProcess | undefined;
  #registry: ChildProcess | undefined;
  #registryPort = 0;
  #words = '';
  #wasKilled = false;
  #kills = 0;

  private constructor(kind: EngineKind = 'docker') {
    this.kind = kind;
    this.#socketPath = join(this.#folder.path, 'docker.sock');
    mkdirSync(this.dataRoot);
  }

  /** Its places alone: nothing is started. */
  static prepared(): ContainerEngine {
    return new ContainerEngine();
  }

  /** Where the engine keeps images and containers. */
  get dataRoot(): string {
    return join(this.#folder.path, 'data');
  }

  static async start(kind?: EngineKind): Promise<ContainerEngine> {
    const engine = new ContainerEngine(kind);
    await Promise.all([engine.startEngine(), engine.startRegistry()]);
    return engine;
  }

  get socketPath(): string {
    return this.#socketPath;
  }

  /** `127.0.0.1:<port>`: an engine trusts it without a certificate. */
  get registry(): string {
    return `127.0.0.1:${this.#registryPort}`;
  }

  /** What a daemon needs to use them. */
  get environment(): Record<string, string> {
    return {
      ADDON_RUNTIME: 'auto',
      DOCKER_HOST: `unix://${this.#socketPath}`,
      ADDON_IMAGES: `${this.registry}/gate/*`,
      ADDON_TRIAL_SECONDS: '1',
    };
  }

  /** @param options further ones of dockerd */
  async startEngine(options: readonly string[] = []): Promise<void> {
    const { command, args, environment } =
      this.kind === 'podman' ? podmanService(this.dataRoot, this.#socketPath) : this.#dockerService(options);
    const child = spawn(command, args, {
      // Podman's monitor leaves a file named `oom` where it was started
      cwd: this.dataRoot,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk).slice(-20_000);
    });
    this.#engine = child;
    this.#wasKilled = false;
    await until(
      'the container engine answers',
      async () => {
        if (child.exitCode !== null) throw new Error(`${command} ended: ${this.#words.slice(-2_000)}`);
        return (await this.docker('version', '--format', '{{.Server.Version}}')) !== '';
      },
      START_MS,
    );
  }

  #dockerService(options: readonly string[]): EngineCommand {
    const place = (name: string) => join(this.#folder.path, name);
    // nothing of the machine's own engine, if there is one, is shared or changed
    const own = ['--data-root', this.dataRoot, '--exec-root', place('exec'), '--pidfile', place('pid')];
    const spaces = [
      '--containerd-namespace',
      'gate-test',
      '--containerd-plugins-namespace',
      'gate-test-plugins',
    ];
    const network = ['--bridge', 'none', '--iptables=false', '--ip-masq=false', '--shutdown-timeout', '5'];
    return {
      command: programPath('dockerd') ?? 'dockerd',
      args: [...own, ...spaces, ...network, '--host', `unix://${this.#socketPath}`, ...options],
      environment: {},
    };
  }

  async stopEngine(): Promise<void> {
    await end(this.#engine);
    this.#engine = undefined;
  }

  /** As a fault ends it, its containerd with it: what they ran stays behind, until they are started again. */
  async killEngine(): Promise<void> {
    const engine = this.#engine;
    if (!engine) return;
    const ended = once(engine, 'exit');
    engine.kill('SIGKILL');
    await ended;
    this.#wasKilled = true;
    this.#kills += 1;
    // where nobody has fetched its exit code yet it would pass for one that runs, and be waited for
    rmSync(join(this.#folder.path, 'exec', 'containerd', 'containerd.pid'), { force: true });
  }

  async startRegistry(): Promise<void> {
    this.#registryPort ||= await freePort();
    const storage = join(this.#folder.path, 'registry');
    const config = join(this.#folder.path, 'registry.yml');
    writeFileSync(
      config,
      JSON.stringify({
        version: '0.1',
        log: { level: 'error' },
        storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
        http: { addr: this.registry },
      }),
    );
    this.#registry = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    await until(
      'the registry answers',
      async () => (await fetch(`http://${this.registry}/v2/`)).ok,
      START_MS,
    );
  }

  async stopRegistry(): Promise<void> {
    await end(this.#registry);
    this.#registry = undefined;
  }

  async stop(): Promise<void> {
    // what it left behind only it can end
    if (this.#wasKilled) await this.startEngine();
    if (this.#engine && this.#engine.exitCode === null) {
      const left = (await this.docker('ps', '--all', '--quiet')).split('\n').filter(Boolean);
      if (left.length > 0) await this.docker('rm', '--force', ...left);
      // its bridge is the machine's: it would stay
      await this.docker('network', 'rm', 'gate-net').catch(() => undefined);
    }
    await this.stopEngine();
    await this.stopRegistry();
    if (this.#kills > 0) endShims(join(this.#folder.path, 'exec'));
    // Podman leaves it mounted, for commands that may come; Docker for each time that it was killed
    const mounted = this.kind === 'podman' ? join(this.dataRoot, 'root', 'overlay') : this.dataRoot;
    for (let times = this.kind === 'podman' ? 1 : this.#kills; times > 0; times -= 1)
      await run('umount', [mounted]).catch(() => undefined);
    this.#folder.remove();
  }

  /** What `docker …` printed. */
  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', ['--host', `unix://${this.#socketPath}`, ...args], {
      timeout: BUILD_MS,
      maxBuffer: 16 * 1024 * 1024,
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    });
    return stdout.trim();
  }

  /** A folder as a context: its `Dockerfile` is built and pushed to the registry. @returns the image's name there */
  async build(name: string, context: string): Promise<string> {
    const tag = `${this.registry}/gate/${name}`;
    await this.docker('build', '--quiet', '--build-arg', `NODE_IMAGE=${BASE_IMAGE}`, '--tag', tag, context);
    await this.docker('push', '--quiet', tag);
    // it is the registry's now
    await this.docker('rmi', '--no-prune', tag);
    return tag;
  }

  /** Images of gate's own add-ons, made and brought to the registry as they are for everybody, but for the base. */
  async makeImages(slugs: readonly string[]): Promise<void> {
    const { GATE_BUILT: built } = process.env;
    const from = built === undefined ? [] : ['--built', built];
    const words = ['--registry', this.registry, '--node-image', BASE_IMAGE, '--push', ...from, ...slugs];
    await run(process.execPath, ['scripts/images.ts', ...words], {
      timeout: BUILD_MS,
      maxBuffer: 16 * 1024 * 1024,
      env: { ...process.env, DOCKER_HOST: `unix://${this.#socketPath}`, DOCKER_BUILDKIT: '0' },
    });
    await this.forget();
  }

  /** What is in the registry only counts from here on: nothing that was made here is found again. */
  async forget(): Promise<void> {
    const names = await this.docker('images', '--format', '{{.Repository}}:{{.Tag}}');
    const ours = names.split('\n').filter((name) => name.startsWith(`${this.registry}/`));
    if (ours.length > 0) await this.docker('rmi', '--force', ...ours);
    await this.docker('image', 'prune', '--force');
  }

  /** A program on the base image. */
  async buildProgram(name: string, program: string, lines: readonly string[] = []): Promise<string> {
    const context = join(this.#folder.path, 'contexts', name.replace(/\W/g, '-'));
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, 'main.mjs'), program);
    const file = [
      `FROM ${BASE_IMAGE}`,
      'COPY main.mjs /main.mjs',
      'USER 1000:1000',
      ...lines,
      'CMD ["node", "/main.mjs"]',
    ];
    writeFileSync(join(context, 'Dockerfile'), `${file.join('\n')}\n`);
    return this.build(name, context);
  }

  /** Node as it runs this, and the shell of busybox. */
  async buildBase(): Promise<void> {
    const context = join(this.#folder.path, 'base');
    const root = join(context, 'root');
    const bin = join(root, 'bin');
    mkdirSync(bin, { recursive: true });
    mkdirSync(join(root, 'tmp'), { recursive: true });
    copyFileSync(process.execPath, join(bin, 'node'));
    // symbols are of no use here, and a fifth of it
    await run('strip', [join(bin, 'node')]).catch(() => undefined);
    const { stdout } = await run('ldd', [process.execPath]);
    for (const [, path = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      copyFileSync(path, join(root, path));
    }
    copyFileSync(programPath('busybox') ?? 'busybox', join(bin, 'busybox'));
    for (const name of ['sh', 'mkdir', 'chmod', 'chown', 'find', 'test', 'cat', 'rm'])
      symlinkSync('busybox', join(bin, name));
    chmodSync(join(root, 'tmp'), 0o1777);
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root /\nENV PATH=/bin\n');
    await this.docker('build', '--quiet', '--tag', BASE_IMAGE, context);
  }

  /**
   * Node-RED as its own image has it: its port, its data folder, its user, its start; on the base of the tests.
   * @returns the image's name
   */
  async buildNodeRed(): Promise<string> {
    const context = this.contextFolder('node-red');
    mkdirSync(context, { recursive: true });
    cpSync(dirname(npmPeerFolder('node-red')), join(context, 'node_modules'), { recursive: true });
    const lines = [
      `FROM ${BASE_IMAGE} AS files`,
      'RUN mkdir -p /files/data && chmod 0700 /files/data',
      `FROM ${BASE_IMAGE}`,
      'COPY --chown=1000:1000 node_modules /usr/src/node-red/node_modules',
      'COPY --from=files --chown=1000:1000 /files/data /data',
      'ENV HOME=/usr/src/node-red NODE_PATH=/usr/src/node-red/node_modules:/data/node_modules',
      'USER 1000:1000',
      'WORKDIR /usr/src/node-red',
      'VOLUME ["/data"]',
      'EXPOSE 1880',
      `HEALTHCHECK CMD node -e "fetch('http://127.0.0.1:1880/').then(({ok})=>process.exit(ok?0:1),()=>process.exit(1))"`,
      'ENTRYPOINT ["node", "node_modules/node-red/red.js", "--userDir", "/data", "flows.json"]',
    ];
    writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
    return this.build('node-red:latest', context);
  }

  /** A folder for a context; gone with the engine. */
  contextFolder(name: string): string {
    return join(this.#folder.path, 'contexts', name);
  }

  /** Brings a file into a context. */
  copy(from: string, to: string): void {
    cpSync(from, to, { recursive: true });
  }

  /** What the engine last wrote. */
  get log(): string {
    return this.#words;
  }
}

export function readManifest(slug: string) {
  return JSON.parse(readFileSync(join('addons', slug, 'addon.json'), 'utf8'));
}

/** What a killed containerd was just making nobody knows of: it would outlive the engine. */
function endShims(place: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (!words[0]?.includes('containerd-shim') || !words.some((word) => word.startsWith(`${place}/`)))
        continue;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
      for (const each of [...children, pid]) process.kill(Number(each), 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await ended;
  clearTimeout(late);
}
