/**
 * Installations, updates and removals that are under way, each followed to its end: well, or with the reason why not.
 * Its steps and its end are events; where it stands is the protocol's phase.
 *
 * An installation has succeeded when the add-on says that it runs, if `degraded`. One that failed stays wanted: its
 * supervisor keeps trying, and when it comes up after all, that is told too. An update that failed goes back to the
 * version that ran, as far as a copy of it was kept.
 */
import type { Dispose } from '../lib/event-bus.ts';
import type { LogType } from '../lib/log-ring.ts';
import type { SerialQueue } from '../lib/serial-queue.ts';
import type { AddonPackage } from './addon-package.ts';
import type { GatewayEventBus, GatewayEvents } from './events.ts';
import type { Logs } from './logs.ts';
import type { AddonShelf } from './ports.ts';
import { type Protocols, partOf } from './protocols.ts';

/** From the start of an add-on to its first word; a large one may take its time on a slow card. */
export const INSTALL_DEADLINE_MS = 120_000;
/** From the order to end an add-on to its end; its supervisor kills it long before. */
export const REMOVE_DEADLINE_MS = 15_000;
/** Most characters of its output that are told with its end. */
const OUTPUT_MAX_CHARS = 16 * 1024;

export interface InstallationJobsParts {
  protocols: Protocols;
  shelf: AddonShelf;
  logs: Logs;
  events: GatewayEventBus;
  now: () => number;
  /** A copy of an add-on could not be kept, or a step afterwards failed; the installation stands. */
  onTrouble: (message: string, error: unknown) => void;
  deadlines?: { installMs: number; removeMs: number } | undefined;
}

export type JobKind = 'install' | 'update' | 'remove';

/** What is under way for one add-on. */
interface Job {
  kind: JobKind;
  protocolId: string;
  startedAt: number;
  timer: NodeJS.Timeout;
  /** Of an update: what ran before. */
  before?: AddonPackage;
  /** A run of it has begun since: what is heard before is the old one's. */
  began: boolean;
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

export class InstallationJobs {
  readonly #parts: InstallationJobsParts;
  readonly #deadlines: { installMs: number; removeMs: number };
  /** Changes of what is installed, one at a time. */
  readonly #changes: SerialQueue;
  readonly #jobs = new Map<string, Job>();
  readonly #kept = new WeakSet<AddonPackage>();
  #disposers: Dispose[] = [];

  constructor(parts: InstallationJobsParts, changes: SerialQueue) {
    this.#parts = parts;
    this.#changes = changes;
    this.#deadlines = parts.deadlines ?? { installMs: INSTALL_DEADLINE_MS, removeMs: REMOVE_DEADLINE_MS };
  }

  start(): void {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('addonStateReported', (said) => this.#onState(said)),
      events.on('addonRunBegan', ({ slug }) => {
        const job = this.#jobs.get(slug);
        if (job) job.began = true;
      }),
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

  /** What is under way for an add-on. */
  kindOf(slug: string): JobKind | undefined {
    return this.#jobs.get(slug)?.kind;
  }

  /** Follows what the caller begins now; `before` is what an update goes back to. */
  begin(slug: string, kind: JobKind, reason: string, before?: AddonPackage): void {
    const { installMs, removeMs } = this.#deadlines;
    const late = () => {
      if (kind === 'remove') this.#removed(slug);
      else void this.#failed(slug, `it did not say within ${installMs / 1000} s that it runs`);
    };
    const timer = setTimeout(late, kind === 'remove' ? removeMs : installMs);
    timer.unref();
    const { protocols, now } = this.#parts;
    const { id: protocolId } = protocols.package(slug).manifest;
    // only an update has another run before it
    const began = kind === 'install';
    this.#jobs.set(slug, { kind, protocolId, startedAt: now(), timer, began, ...(before ? { before } : {}) });
    const status = ({ install: 'installing', update: 'updating', remove: 'removing' } as const)[kind];
    protocols.setPhase(slug, { status });
    this.#tell({ slug, protocolId, status, reason });
  }

  /** What was begun is not done: it is followed no further, and an installation has failed. */
  abandon(slug: string): void {
    const job = this.#end(slug);
    if (!job) return;
    this.#parts.protocols.setPhase(slug, undefined);
    if (job.kind === 'remove') return;
    this.#tellEnd({ slug, startedAt: job.startedAt, exitStatus: 1, installationSuccess: false });
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
    const ends = job !== undefined && job.kind !== 'remove' && job.began;
    if (ends || lateAfterAll) {
      const { startedAt = this.#parts.now() } = this.#end(slug) ?? {};
      protocols.setPhase(slug, undefined);
      const { id: protocolId, version } = protocols.package(slug).manifest;
      this.#tell({ slug, protocolId, status: 'installed', reason: `version ${version} runs` });
      this.#tellEnd({ slug, startedAt, exitStatus: 0, installationSuccess: true });
      if (job?.kind === 'update') this.#parts.events.emit('updateEnded', { of: slug, version });
    }
    if (!job || ends) this.#keep(slug);
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
    const { version: tried } = protocols.package(slug).manifest;
    protocols.setPhase(slug, { status: 'failed', reason });
    if (before) {
      try {
        await this.#changes.run(() => this.#goBack(slug, before, reason));
      } catch (error) {
        onTrouble(`the version of add-on "${slug}" that ran could not be put back`, error);
      }
    }
    const { status, reason: told } = protocols.phase(slug) ?? { status: 'failed' as const, reason };
    this.#tell({ slug, protocolId: job.protocolId, status, reason: told ?? reason });
    // a process that ended by itself with 0 has failed all the same
    this.#tellEnd({ slug, startedAt, exitStatus: exitCode || 1, installationSuccess: false });
    if (job.kind === 'update')
      this.#parts.events.emit('updateEnded', { of: slug, version: tried, failure: reason });
  }

  /** Puts the version that ran in place of the one that failed. */
  async #goBack(slug: string, before: AddonPackage, reason: string): Promise<void> {
    const { protocols, shelf } = this.#parts;
    // somebody was quicker
    if (!protocols.isInstalled(slug) || this.#jobs.has(slug)) return;
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
}
