/**
 * A supervisor with its real parts around it: event bus, health, process runtime and children. Only the broker is
 * not there: an add-on that prints `connect` or `disconnect` counts as having done so.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Health } from '../../../src/core/health.ts';
import type { AddonCredentials } from '../../../src/core/ports.ts';
import { type AddonPackage, type DesiredAddon, partOf } from '../../../src/core/protocols/protocols.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import {
  PROCESS_LIMITS,
  type ProcessLimits,
  ProcessRuntime,
} from '../../../src/supervisor/process-runtime.ts';
import { Supervisor, type SupervisorLimits } from '../../../src/supervisor/supervisor.ts';

export const QUICK_RESTART: SupervisorLimits = {
  hang: { connectMs: 60_000, reconnectMs: 60_000 },
  restart: { minMs: 10, maxMs: 20, stableMs: 60_000 },
  hungStopMs: 50,
};

/** A test that wants to see an add-on end in its own way gives it more time. */
export const QUICK_PROCESS: ProcessLimits = { ...PROCESS_LIMITS, stopMs: 300, orphanMs: 200 };
export const UNHURRIED = { stopMs: 15_000 };

/** Ends when its standard input does, as every add-on must, and on SIGTERM. */
export const WELL_BEHAVED = `
  process.stdin.resume().on('end', () => process.exit(0));
  process.on('SIGTERM', () => { console.log('good night'); process.exit(0); });
  console.log('connect');
`;

/** Goes for nothing but SIGKILL. */
export const STUBBORN = `
  process.on('SIGTERM', () => console.log('no'));
  setInterval(() => undefined, 1000);
  console.log('connect');
`;

export interface Line {
  slug: string;
  type: 'LOG' | 'ERR';
  line: string;
}

export class House {
  readonly events = new EventBus<GatewayEvents>((event, error) => {
    throw new Error(`listener of ${event} failed`, { cause: error });
  });
  readonly health = new Health({ events: this.events, now: Date.now, vital: [] });
  readonly lines: Line[] = [];
  readonly issued: { slug: string; token: string }[] = [];
  readonly revoked: string[] = [];
  readonly desired = new Map<string, DesiredAddon>();
  readonly folder: string;
  readonly runtime: ProcessRuntime;
  readonly supervisor: Supervisor;

  constructor(parts: { folder: string; limits: SupervisorLimits; process: ProcessLimits }) {
    this.folder = parts.folder;
    const logger = createLogger('silent');
    this.runtime = new ProcessRuntime({
      nodePath: execPath,
      environment: { PATH: '/usr/bin:/bin', TZ: 'UTC', SECRET_OF_THE_DAEMON: 'x' },
      dataFolder: this.dataFolder,
      onLine: (slug, type, line) => this.#noteLine({ slug, type, line }),
      logger,
      limits: parts.process,
    });
    const credentials: AddonCredentials = {
      brokerUrl: 'mqtt://127.0.0.1:1883',
      issue: (slug) => {
        const token = `token-${this.issued.length + 1}`;
        this.issued.push({ slug, token });
        return { brokerUrl: 'mqtt://127.0.0.1:1883', addon: slug, token };
      },
      readmit: () => undefined,
      revoke: (slug) => this.revoked.push(slug),
    };
    this.supervisor = new Supervisor({
      protocols: { desired: () => [...this.desired.values()] },
      runtime: this.runtime,
      credentials,
      health: this.health,
      events: this.events,
      logger,
      monotonicNow: () => performance.now(),
      random: () => 0.5,
      limits: parts.limits,
    });
  }

  static async open(limits: Partial<SupervisorLimits> = {}, process: Partial<ProcessLimits> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'gate-supervisor-'));
    return new House({
      folder,
      limits: { ...QUICK_RESTART, ...limits },
      process: { ...QUICK_PROCESS, ...process },
    });
  }

  get dataFolder(): string {
    return join(this.folder, 'data');
  }

  async close(): Promise<void> {
    await this.supervisor.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes an add-on of `script` the desired one of that slug. */
  async want(
    slug: string,
    script: string,
    changes: Partial<AddonPackage['manifest']> = {},
  ): Promise<AddonPackage> {
    const addon = await this.package(slug, script, changes);
    this.desired.set(slug, { slug, addon, parameters: {} });
    this.events.emit('protocolsChanged', { slug });
    return addon;
  }

  unwant(slug: string): void {
    this.desired.delete(slug);
    this.events.emit('protocolsChanged', { slug });
  }

  async package(
    slug: string,
    script: string,
    changes: Partial<AddonPackage['manifest']> = {},
  ): Promise<AddonPackage> {
    const folder = join(this.folder, 'addons', slug);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'main.mjs'), script);
    return {
      folder,
      types: [],
      manifest: {
        id: slug,
        slug,
        name: slug,
        description: '',
        contract: 1,
        version: '1.0.0',
        preinstalled: false,
        parameters: {},
        types: [],
        runtime: { process: { entry: 'main.mjs', memoryMb: 32 } },
        ...changes,
      },
    };
  }

  part(slug: string) {
    return this.health.part(partOf(slug));
  }

  linesOf(slug: string): string[] {
    return this.lines.filter((line) => line.slug === slug).map(({ line }) => line);
  }

  /** The values that an add-on printed as `name=value`. */
  printed(slug: string, name: string): string[] {
    return this.linesOf(slug)
      .filter((line) => line.startsWith(`${name}=`))
      .map((line) => line.slice(name.length + 1));
  }

  #noteLine(line: Line): void {
    this.lines.push(line);
    if (line.line === 'connect') this.events.emit('addonConnected', { slug: line.slug });
    if (line.line === 'disconnect') this.events.emit('addonDisconnected', { slug: line.slug });
  }
}

/** Resolves with what `look` sees once that is not undefined, null or false. */
export async function until<T>(look: () => T, what: string): Promise<NonNullable<T>> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const seen = look();
    if (seen !== undefined && seen !== null && seen !== false) return seen;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited too long until ${what}`);
}

/** Whether a process runs; one that ended and is not yet fetched by its parent does not. */
export async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}
