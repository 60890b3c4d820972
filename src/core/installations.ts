/**
 * Installing, updating and removing a protocol's add-on. Each begins at once and ends later: well, or with the reason
 * why not. Its progress and its end are events.
 *
 * An installation has succeeded when the add-on says that it runs, if `degraded`. One that failed stays wanted: its
 * supervisor keeps trying, and when it comes up after all, that is told too. An update that failed goes back to the
 * version that ran, as far as a copy of it was kept.
 */
import type { Dispose } from '../lib/event-bus.ts';
import type { LogType } from '../lib/log-ring.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { type AddonPackage, isExternal } from './addon-package.ts';
import type { GatewayEventBus, GatewayEvents } from './events.ts';
import type { ExternalLogins } from './external-logins.ts';
import type { Logs } from './logs.ts';
import type { AddonCredentials, AddonLogin, AddonShelf } from './ports.ts';
import { type Protocols, type ProtocolView, partOf } from './protocols.ts';

/** From the start of an add-on to its first word; a large one may take its time on a slow card. */
export const INSTALL_DEADLINE_MS = 120_000;
/** From the order to end an add-on to its end; its supervisor kills it long before. */
export const REMOVE_DEADLINE_MS = 15_000;
const BEGINS_WAITING_MAX = 50;
/** Most characters of its output that are told with its end. */
const OUTPUT_MAX_CHARS = 16 * 1024;

export interface InstallationsParts {
  protocols: Protocols;
  logins: ExternalLogins;
  credentials: AddonCredentials;
  shelf: AddonShelf;
  logs: Logs;
  events: GatewayEventBus;
  now: () => number;
  /** A copy of an add-on could not be kept, or a step afterwards failed; the installation stands. */
  onTrouble: (message: string, error: unknown) => void;
  deadlines?: { installMs: number; removeMs: number };
}

/** What an update shall lead to; nothing named: whatever lies in the folder. */
export interface WantedUpdate {
  version?: string | undefined;
  image?: string | undefined;
}

/** What is under way for one add-on. */
interface Job {
  kind: 'install' | 'update' | 'remove';
  protocolId: string;
  startedAt: number;
  timer: NodeJS.Timeout;
  /** Of an update: what ran before. */
  before?: AddonPackage;
  /** How its last run ended meanwhile. */
  exitCode?: number;
}

/** How a job ended. */
interface JobEnd {
  slug: string;
  startedAt: number;
  exitStatus: number;
  installationSuccess: boolean;
}

export class Installations {
  readonly #parts: InstallationsParts;
  readonly #deadlines: { installMs: number; removeMs: number };
  readonly #begins = new SerialQueue(BEGINS_WAITING_MAX);
  readonly #jobs = new Map<string, Job>();
  readonly #kept = new WeakSet<AddonPackage>();
  #disposers: Dispose[] = [];

  constructor(parts: InstallationsParts) {
    this.#parts = parts;
    this.#deadlines = parts.deadlines ?? { installMs: INSTALL_DEADLINE_MS, removeMs: REMOVE_DEADLINE_MS };
  }

  start(): void {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('addonStateReported', (said) => this.#onState(said)),
      events.on('addonRunEnded', ({ slug, code }) => {
        const job = this.#jobs.get(slug);
        if (job && code !== null) job.exitCode = code;
      }),
      events.on('healthChanged', (change) => this.#onHealth(change)),
      events.on('addonStopped', ({ slug }) => {
        if (this.#jobs.get(slug)?.kind === 'remove') this.#removed(slug);
      }),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
    for (const { timer } of this.#jobs.values()) clearTimeout(timer);
    this.#jobs.clear();
  }

  /**
   * Begins an installation. That of an add-on which others start has ended with it, and the login for it is in the
   * answer, this once.
   * @throws GatewayError notFound, conflict (installed, or something is under way), badRequest (parameters)
   */
  install(protocolId: string, parameters: JsonObject): Promise<ProtocolView & Partial<AddonLogin>> {
    return this.#begins.run(() => this.#install(protocolId, parameters));
  }

  /**
   * Takes what lies in the add-on's folder now, and runs that.
   * @throws GatewayError notFound, conflict (not installed, something is under way, the folder has another version or
   * cannot be used, or it needs what this gateway does not have), badRequest (parameters that no longer fit)
   */
  update(protocolId: string, wanted: WantedUpdate): Promise<ProtocolView> {
    return this.#begins.run(() => this.#update(protocolId, wanted));
  }

  /** `force`: although it has devices; they stay. @throws GatewayError notFound, conflict */
  remove(protocolId: string, options: { force?: boolean } = {}): Promise<ProtocolView> {
    return this.#begins.run(() => this.#remove(protocolId, options));
  }

  async #install(protocolId: string, parameters: JsonObject): Promise<ProtocolView & Partial<AddonLogin>> {
    const { protocols, logins } = this.#parts;
    const addon = protocols.package(protocolId);
    const { slug } = addon.manifest;
    this.#demandIdle(slug);
    const again = protocols.phase(slug)?.status === 'failed' && protocols.isInstalled(slug);
    await protocols.install(slug, parameters);
    if (isExternal(addon.manifest)) {
      const login = await logins.renew(slug);
      return { ...protocols.get(slug), ...login };
    }
    this.#begin(slug, 'install', 'its program is being started');
    // one that waits for its next attempt is tried at once, with what it was given now
    if (again) protocols.replace(addon);
    return protocols.get(slug);
  }

  async #update(protocolId: string, wanted: WantedUpdate): Promise<ProtocolView> {
    const { protocols, shelf } = this.#parts;
    const before = protocols.installed(protocolId);
    const { slug } = before.manifest;
    this.#demandIdle(slug);
    this.#demandUpdatable(before, wanted);
    const found = await shelf.read(before);
    if (wanted.version !== undefined && wanted.version !== found.manifest.version) {
      throw new GatewayError(
        'conflict',
        `version ${wanted.version} of protocol "${slug}" is not there: its folder holds ${found.manifest.version}`,
        { hint: `put version ${wanted.version} into ${found.folder}, then ask again` },
      );
    }
    await protocols.checkParameters(found);
    const { version } = found.manifest;
    this.#begin(slug, 'update', `from ${before.manifest.version} to ${version}`, before);
    protocols.replace(found);
    return protocols.get(slug);
  }

  async #remove(protocolId: string, { force = false }: { force?: boolean }): Promise<ProtocolView> {
    const { protocols, credentials } = this.#parts;
    const addon = protocols.package(protocolId);
    const { slug } = addon.manifest;
    this.#demandIdle(slug, 'remove');
    protocols.demandRemovable(slug, { force });
    const interrupted = this.#end(slug);
    if (interrupted && interrupted.kind !== 'remove') {
      const { startedAt } = interrupted;
      this.#tellEnd({ slug, startedAt, exitStatus: 1, installationSuccess: false });
    }
    // begun first: what does not run is gone as soon as it is not wanted any more
    this.#begin(slug, 'remove', 'its program is being ended');
    try {
      await protocols.remove(slug, { force });
    } catch (error) {
      this.#end(slug);
      protocols.setPhase(slug, undefined);
      throw error;
    }
    if (isExternal(addon.manifest)) credentials.revoke(slug);
    return protocols.get(slug);
  }

  #begin(slug: string, kind: Job['kind'], reason: string, before?: AddonPackage): void {
    const { installMs, removeMs } = this.#deadlines;
    const late = () => {
      if (kind === 'remove') this.#removed(slug);
      else void this.#failed(slug, `it did not say within ${installMs / 1000} s that it runs`);
    };
    const timer = setTimeout(late, kind === 'remove' ? removeMs : installMs);
    timer.unref();
    const { protocols, now } = this.#parts;
    const { id: protocolId } = protocols.package(slug).manifest;
    this.#jobs.set(slug, { kind, protocolId, startedAt: now(), timer, ...(before ? { before } : {}) });
    const status = ({ install: 'installing', update: 'updating', remove: 'removing' } as const)[kind];
    protocols.setPhase(slug, { status });
    this.#tell({ slug, protocolId, status, reason });
  }

  /** Nothing is under way any more. */
  #end(slug: string): Job | undefined {
    const job = this.#jobs.get(slug);
    clearTimeout(job?.timer);
    this.#jobs.delete(slug);
    return job;
  }

  #onState({ slug, state }: GatewayEvents['addonStateReported']): void {
    if (state !== 'running' && state !== 'degraded') return;
    const { protocols } = this.#parts;
    const job = this.#jobs.get(slug);
    const lateAfterAll = !job && protocols.phase(slug)?.status === 'failed';
    if (job?.kind === 'install' || job?.kind === 'update' || lateAfterAll) {
      const { startedAt = this.#parts.now() } = this.#end(slug) ?? {};
      protocols.setPhase(slug, undefined);
      const { id: protocolId, version } = protocols.package(slug).manifest;
      this.#tell({ slug, protocolId, status: 'installed', reason: `version ${version} runs` });
      this.#tellEnd({ slug, startedAt, exitStatus: 0, installationSuccess: true });
    }
    if (job?.kind !== 'remove') this.#keep(slug);
  }

  #onHealth({ part, state, reason }: GatewayEvents['healthChanged']): void {
    if (state !== 'failed') return;
    for (const [slug, { kind }] of this.#jobs) {
      if (partOf(slug) === part && kind !== 'remove') void this.#failed(slug, reason ?? 'it failed');
    }
  }

  async #failed(slug: string, reason: string): Promise<void> {
    const { protocols, onTrouble } = this.#parts;
    const job = this.#end(slug);
    if (!job) return;
    const { startedAt, exitCode = 1, before } = job;
    protocols.setPhase(slug, { status: 'failed', reason });
    if (before) {
      try {
        await this.#goBack(slug, before, reason);
      } catch (error) {
        onTrouble(`the version of add-on "${slug}" that ran could not be put back`, error);
      }
    }
    const { status, reason: told } = protocols.phase(slug) ?? { status: 'failed' as const, reason };
    this.#tell({ slug, protocolId: job.protocolId, status, reason: told ?? reason });
    // a process that ended by itself with 0 has failed all the same
    this.#tellEnd({ slug, startedAt, exitStatus: exitCode || 1, installationSuccess: false });
  }

  /** Puts the version that ran in place of the one that failed. */
  async #goBack(slug: string, before: AddonPackage, reason: string): Promise<void> {
    const { protocols, shelf } = this.#parts;
    const failed = protocols.package(slug).manifest.version;
    const restored = await shelf.restore(before);
    if (!restored) return;
    const { version } = restored.addon.manifest;
    protocols.setPhase(slug, {
      status: 'installed',
      reason: `the update to ${failed} failed: ${reason}; ${version} is back, and what failed lies in ${restored.aside}`,
    });
    protocols.replace(restored.addon);
  }

  #removed(slug: string): void {
    const { protocols, shelf, onTrouble } = this.#parts;
    const job = this.#end(slug);
    if (!job) return;
    protocols.setPhase(slug, undefined);
    // the protocol itself may have been taken away meanwhile
    this.#tell({ slug, protocolId: job.protocolId, status: 'notInstalled', reason: 'it was removed' });
    shelf
      .forget(slug)
      .catch((error) => onTrouble(`the copy of add-on "${slug}" could not be deleted`, error));
  }

  /** Once for each form of it that ran. */
  #keep(slug: string): void {
    const { protocols, shelf, onTrouble } = this.#parts;
    const addon = protocols.package(slug);
    if (this.#kept.has(addon)) return;
    this.#kept.add(addon);
    shelf.keep(addon).catch((error) => onTrouble(`no copy of add-on "${slug}" is kept to go back to`, error));
  }

  #tell(change: Omit<GatewayEvents['installationChanged'], 'ts'>): void {
    this.#parts.events.emit('installationChanged', { ...change, ts: this.#parts.now() });
  }

  #tellEnd({ slug, startedAt, ...end }: JobEnd): void {
    const { events, protocols, logs, now } = this.#parts;
    const { id, version } = protocols.package(slug).manifest;
    const output = (type: LogType) => {
      const lines = logs.linesOf(slug).filter((line) => line.type === type && line.timestamp >= startedAt);
      return lines
        .map(({ message }) => `${message}\n`)
        .join('')
        .slice(-OUTPUT_MAX_CHARS);
    };
    const [stdout, stderr] = [output('LOG'), output('ERR')];
    events.emit('installationEnded', { slug, protocolId: id, version, ...end, stdout, stderr, ts: now() });
  }

  /** @throws GatewayError conflict */
  #demandIdle(slug: string, wanted?: 'remove'): void {
    const kind = this.#jobs.get(slug)?.kind;
    if (!kind || (wanted === 'remove' && kind !== 'remove')) return;
    const what = { install: 'installed', update: 'updated', remove: 'removed' }[kind];
    throw new GatewayError('conflict', `protocol "${slug}" is being ${what} just now`, {
      hint: `wait until its status has changed: GET /device/v1/protocols/${slug}`,
    });
  }

  /** @throws GatewayError conflict for what this gateway cannot do */
  #demandUpdatable({ manifest }: AddonPackage, { image }: WantedUpdate): void {
    const { slug, runtime } = manifest;
    if (isExternal(manifest)) {
      throw new GatewayError(
        'conflict',
        `others start the add-on of protocol "${slug}": gate cannot update it`,
        {
          hint: 'update its program where it runs; a new manifest: DELETE the protocol and POST it again',
        },
      );
    }
    if (image !== undefined || !runtime.process) {
      const why = runtime.process
        ? 'it runs as a process, which has no image'
        : 'it only runs as a container';
      throw new GatewayError('conflict', `protocol "${slug}" cannot be updated to an image: ${why}`, {
        hint: runtime.process
          ? 'put the new version into its folder, then PUT {"version": …}'
          : 'this gateway has no container runtime',
      });
    }
  }
}
