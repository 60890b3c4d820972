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
import type { PartState } from '../model/health.ts';
import type { AddonPackage } from './addon-package.ts';
import type { GatewayEventBus, GatewayEvents } from './events.ts';
import type { Logs } from './logs.ts';
import type { AddonShelf, ImageProgress } from './ports.ts';
import type { InstallationPhase } from './protocol-view.ts';
import { type Protocols, partOf } from './protocols.ts';

/** From the start of an add-on to its first word; a large one may take its time on a slow card. */
export const INSTALL_DEADLINE_MS = 120_000;
/** From the order to end an add-on to its end; its supervisor kills it long before. */
export const REMOVE_DEADLINE_MS = 15_000;
/** Most characters of its output that are told with its end. */
const OUTPUT_MAX_CHARS = 16 * 1024;
/** Of its output, what is told with the reason. */
const LAST_LINES = 5;
const LAST_MAX_CHARS = 500;

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
  timer: NodeJS.Timeout | undefined;
  plan: JobPlan;
  /** What it waits for is given up with it. */
  ending: AbortController;
  /** What others said while it was prepared: told with its end. */
  said: string[];
  trial?: NodeJS.Timeout;
  /** It is being ended, well or not: nothing else ends it. */
  settling: boolean;
  /** A run of it has begun since: what is heard before is the old one's. */
  began: boolean;
  runBeganAt?: number;
  /** How its last run ended meanwhile. */
  exitCode?: number;
}

/** How a job goes besides what all have in common. */
export interface JobPlan {
  /** Of an update of a process: what ran before. */
  before?: AddonPackage | undefined;
  /** Its deadline runs from `startClock` on. */
  untimed?: boolean;
  /** It must have run well for so long. */
  trialMs?: number;
  /** In which state it runs well, when the trial is over. */
  accepts?: (state: PartState) => boolean;
  /** Makes it last; then it has succeeded. For a removal: after its program has ended. */
  commit?: () => Promise<void>;
  /** Goes back when it fails; answers where the installation stands then. */
  undo?: (reason: string) => Promise<InstallationPhase>;
}

/** How a job ended. */
interface JobEnd {
  slug: string;
  startedAt: number;
  said?: readonly string[];
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
        if (!job) return;
        job.began = true;
        job.runBeganAt = this.#parts.now();
      }),
      events.on('addonRunEnded', ({ slug, code }) => {
        const job = this.#jobs.get(slug);
        if (job && code !== null) job.exitCode = code;
      }),
      events.on('healthChanged', (change) => this.#onHealth(change)),
      events.on('addonStopped', ({ slug }) => {
        if (this.#jobs.get(slug)?.kind === 'remove') void this.#removed(slug);
      }),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
    for (const { timer, trial, ending } of this.#jobs.values()) {
      clearTimeout(timer);
      clearTimeout(trial);
      ending.abort();
    }
    this.#jobs.clear();
  }

  /** What is under way for an add-on. */
  kindOf(slug: string): JobKind | undefined {
    return this.#jobs.get(slug)?.kind;
  }

  /** Follows what the caller begins now. @returns aborts when it is given up */
  begin(slug: string, kind: JobKind, reason: string, plan: JobPlan = {}): AbortSignal {
    const ending = new AbortController();
    const { protocols, now } = this.#parts;
    const { id: protocolId } = protocols.package(slug).manifest;
    // only an update has another run before it
    const began = kind === 'install';
    const job: Job = {
      kind,
      protocolId,
      startedAt: now(),
      timer: undefined,
      plan,
      ending,
      said: [],
      began,
      settling: false,
    };
    this.#jobs.set(slug, job);
    if (!plan.untimed) this.startClock(slug);
    const status = ({ install: 'installing', update: 'updating', remove: 'removing' } as const)[kind];
    protocols.setPhase(slug, { status });
    this.#tell({ slug, protocolId, status, reason });
    return ending.signal;
  }

  /** From now on it has so long; where nothing is said, as long as its kind has. */
  startClock(slug: string, ms?: number): void {
    const job = this.#jobs.get(slug);
    if (!job || job.settling) return;
    const { installMs, removeMs } = this.#deadlines;
    const within = ms ?? (job.kind === 'remove' ? removeMs : installMs);
    clearTimeout(job.timer);
    job.timer = setTimeout(() => {
      if (job.kind === 'remove') void this.#removed(slug);
      else
        void this.#failed(
          slug,
          `it did not say within ${within / 1000} s that it runs${this.#wroteLast(slug, job)}`,
        );
    }, within);
    job.timer.unref();
  }

  /** One more step of what is under way. */
  note(slug: string, reason: string, progress?: ImageProgress): void {
    const job = this.#jobs.get(slug);
    const phase = this.#parts.protocols.phase(slug);
    if (!job || job.settling || !phase) return;
    const { status } = phase;
    this.#parts.protocols.setPhase(slug, { status, reason });
    this.#tell({ slug, protocolId: job.protocolId, status, reason, ...(progress ? { progress } : {}) });
  }

  /** What others wrote while it was prepared. */
  say(slug: string, lines: readonly string[]): void {
    this.#jobs.get(slug)?.said.push(...lines);
  }

  /** It could not be done. */
  fail(slug: string, reason: string): void {
    void this.#failed(slug, reason);
  }

  /** There was nothing more to do. */
  succeed(slug: string, reason: string): void {
    if (this.#jobs.has(slug)) this.#succeeded(slug, reason);
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
    clearTimeout(job?.trial);
    this.#jobs.delete(slug);
    job?.ending.abort();
    return job;
  }

  #onState({ slug, state }: GatewayEvents['addonStateReported']): void {
    if (state !== 'running' && state !== 'degraded') return;
    const { protocols } = this.#parts;
    const job = this.#jobs.get(slug);
    const lateAfterAll = !job && protocols.phase(slug)?.status === 'failed';
    const ends = job !== undefined && job.kind !== 'remove' && job.began;
    if (ends && (job.plan.trialMs !== undefined || job.plan.commit)) {
      this.#try(slug, job);
      return;
    }
    if (ends || lateAfterAll) this.#succeeded(slug);
    if (!job || ends) this.#keep(slug);
  }

  #succeeded(slug: string, reason?: string): void {
    const { protocols, events, now } = this.#parts;
    const { startedAt = now(), kind, said = [] } = this.#end(slug) ?? {};
    protocols.setPhase(slug, undefined);
    const { id: protocolId, version } = protocols.package(slug).manifest;
    this.#tell({ slug, protocolId, status: 'installed', reason: reason ?? `version ${version} runs` });
    this.#tellEnd({ slug, startedAt, said, exitStatus: 0, installationSuccess: true });
    if (kind === 'update') events.emit('updateEnded', { of: slug, version });
  }

  /** It says that it runs: it has to for a while. Where it does not run well then, it may yet before its deadline. */
  #try(slug: string, job: Job): void {
    const { trialMs = 0, accepts = () => true, commit } = job.plan;
    if (job.trial || job.settling) return;
    job.trial = setTimeout(() => {
      delete job.trial;
      if (!accepts(this.#parts.protocols.get(slug).state)) return;
      job.settling = true;
      clearTimeout(job.timer);
      Promise.resolve(commit?.()).then(
        () => {
          if (this.#jobs.get(slug) === job) this.#succeeded(slug);
        },
        (error: Error) => {
          job.settling = false;
          void this.#failed(slug, `it could not be kept: ${error.message}`);
        },
      );
    }, trialMs);
  }

  /** It is not started again, where it goes back: its next start is no part of the reason then. */
  #whyFailed(slug: string, job: Job, reason: string): string {
    if (!job.plan.undo) return reason;
    const last = this.#parts.protocols.lastFailure(slug);
    const why = last !== undefined && reason.startsWith(last) ? last : reason;
    // its last words may be there already
    return why.endsWith('")') ? why : why + this.#wroteLast(slug, job);
  }

  /** The last lines of its output, where they may say why nothing was heard of it. */
  #wroteLast(slug: string, { startedAt, runBeganAt = startedAt, plan }: Job): string {
    if (!plan.undo) return '';
    const lines = this.#parts.logs.linesOf(slug).filter(({ timestamp }) => timestamp >= runBeganAt);
    const last = lines.slice(-LAST_LINES).map(({ message }) => message);
    return last.length === 0
      ? '; it wrote nothing'
      : `; it wrote last: ${last.join(' | ').slice(-LAST_MAX_CHARS)}`;
  }

  #onHealth({ part, state, reason }: GatewayEvents['healthChanged']): void {
    if (state !== 'failed') return;
    for (const [slug, job] of this.#jobs) {
      const { kind } = job;
      if (partOf(slug) !== part || kind === 'remove') continue;
      // what the version before an update still has to say is not meant
      if (job.plan.undo && !job.began) continue;
      void this.#failed(slug, this.#whyFailed(slug, job, reason ?? 'it failed'));
    }
  }

  async #failed(slug: string, reason: string): Promise<void> {
    const { protocols, onTrouble } = this.#parts;
    const job = this.#jobs.get(slug);
    if (!job || job.settling) return;
    const { startedAt, exitCode = 1, said, plan } = job;
    const { before, undo } = plan;
    if (undo) await this.#undo(slug, job, reason);
    else this.#end(slug);
    const { version: tried } = protocols.package(slug).manifest;
    if (!undo) protocols.setPhase(slug, { status: 'failed', reason });
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
    this.#tellEnd({ slug, startedAt, said, exitStatus: exitCode || 1, installationSuccess: false });
    if (job.kind === 'update')
      this.#parts.events.emit('updateEnded', { of: slug, version: tried, failure: reason });
  }

  /** Goes back while nothing else of this add-on can begin. */
  async #undo(slug: string, job: Job, reason: string): Promise<void> {
    const { protocols, onTrouble } = this.#parts;
    job.settling = true;
    clearTimeout(job.timer);
    clearTimeout(job.trial);
    job.ending.abort();
    try {
      const phase = await job.plan.undo?.(reason);
      protocols.setPhase(slug, phase ?? { status: 'failed', reason });
    } catch (error) {
      onTrouble(
        `the ${job.kind} of add-on "${slug}" failed, and what was before could not be put back`,
        error,
      );
      protocols.setPhase(slug, { status: 'failed', reason });
    }
    this.#end(slug);
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

  async #removed(slug: string): Promise<void> {
    const { protocols, shelf, onTrouble } = this.#parts;
    const job = this.#jobs.get(slug);
    if (!job || job.settling) return;
    let reason = 'it was removed';
    if (job.plan.commit) {
      job.settling = true;
      clearTimeout(job.timer);
      await job.plan.commit().catch((error: Error) => {
        reason = `it was removed, but not all that it had: ${error.message}; the next start of gate tries again`;
        onTrouble(`what add-on "${slug}" had could not be removed`, error);
      });
    }
    this.#end(slug);
    protocols.setPhase(slug, undefined);
    // the protocol itself may have been taken away meanwhile
    this.#tell({ slug, protocolId: job.protocolId, status: 'notInstalled', reason });
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

  #tellEnd({ slug, startedAt, said = [], ...end }: JobEnd): void {
    const { events, protocols, logs, now } = this.#parts;
    const { id, version } = protocols.package(slug).manifest;
    const output = (type: LogType) => {
      const lines = logs.linesOf(slug).filter((line) => line.type === type && line.timestamp >= startedAt);
      const spoken = type === 'LOG' ? said : [];
      return [...spoken, ...lines.map(({ message }) => message)]
        .map((line) => `${line}\n`)
        .join('')
        .slice(-OUTPUT_MAX_CHARS);
    };
    const [stdout, stderr] = [output('LOG'), output('ERR')];
    const image = protocols.container(slug)?.image.name;
    const common = { slug, protocolId: id, version, ...(image ? { image } : {}) };
    events.emit('installationEnded', { ...common, ...end, stdout, stderr, ts: now() });
  }
}
