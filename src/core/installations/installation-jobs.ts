/**
 * Installations, updates and removals that are under way, each followed to its end: well, or with the reason why not.
 * Its steps and its end are events; where it stands is the protocol's phase.
 *
 * An installation has succeeded when the add-on says that it runs, if `degraded`. One that failed stays wanted: its
 * supervisor keeps trying, and when it comes up after all, that is told too. An update that failed goes back to the
 * version that ran, as far as a copy of it was kept.
 */
import type { SerialQueue } from '../../lib/serial-queue.ts';
import type { GatewayEventBus } from '../events.ts';
import type { Logs } from '../logs.ts';
import type { AddonShelf, ImageProgress } from '../ports.ts';
import type { Protocols } from '../protocols/protocols.ts';
import { VersionCopies } from '../protocols/version-copies.ts';
import { InstallationJob, type JobKind, type JobPlan } from './installation-job.ts';
import { InstallationWatch } from './installation-watch.ts';
import { InstallationWords } from './installation-words.ts';

/** From the start of an add-on to its first word; a large one may take its time on a slow card. */
export const INSTALL_DEADLINE_MS = 120_000;
/** From the order to end an add-on to its end; its supervisor kills it long before. */
export const REMOVE_DEADLINE_MS = 15_000;

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

export class InstallationJobs {
  readonly #parts: InstallationJobsParts;
  readonly #deadlines: { installMs: number; removeMs: number };
  /** Changes of what is installed, one at a time. */
  readonly #changes: SerialQueue;
  readonly #words: InstallationWords;
  readonly #copies: VersionCopies;
  readonly #jobs = new Map<string, InstallationJob>();
  readonly #watch: InstallationWatch;

  constructor(parts: InstallationJobsParts, changes: SerialQueue) {
    this.#parts = parts;
    this.#changes = changes;
    this.#words = new InstallationWords(parts);
    this.#copies = new VersionCopies(parts);
    this.#watch = new InstallationWatch({
      ...parts,
      jobs: this.#jobs,
      onRuns: (slug, job) => this.#runs(slug, job),
      onFailed: (job, why) => void this.#failed(job.slug, this.#words.withLastLines(why, job)),
      onGone: (slug) => void this.#removed(slug),
    });
    this.#deadlines = parts.deadlines ?? { installMs: INSTALL_DEADLINE_MS, removeMs: REMOVE_DEADLINE_MS };
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
    for (const job of this.#jobs.values()) job.end();
    this.#jobs.clear();
  }

  /** What is under way for an add-on. */
  kindOf(slug: string): JobKind | undefined {
    return this.#jobs.get(slug)?.kind;
  }

  /** Follows what the caller begins now. @returns aborts when it is given up */
  begin(slug: string, kind: JobKind, reason: string, plan: JobPlan = {}): AbortSignal {
    const { protocols, now } = this.#parts;
    const { id: protocolId } = protocols.package(slug).manifest;
    const job = new InstallationJob({ kind, plan, slug, protocolId, startedAt: now() });
    this.#jobs.set(slug, job);
    if (!plan.untimed) this.startClock(slug);
    const { status } = job;
    protocols.setPhase(slug, { status });
    this.#words.tellStep({ slug, protocolId, status, reason });
    return job.signal;
  }

  /** From now on it has so long; where nothing is said, as long as its kind has. */
  startClock(slug: string, ms?: number): void {
    const job = this.#jobs.get(slug);
    if (!job || job.isSettling) return;
    const { installMs, removeMs } = this.#deadlines;
    const within = ms ?? (job.kind === 'remove' ? removeMs : installMs);
    job.startClock(within, () => {
      if (job.kind === 'remove') return void this.#removed(slug);
      const reason = `it did not say within ${within / 1000} s that it runs`;
      void this.#failed(slug, this.#words.withLastLines(reason, job));
    });
  }

  /** One more step of what is under way. */
  note(slug: string, reason: string, progress?: ImageProgress): void {
    const job = this.#jobs.get(slug);
    const phase = this.#parts.protocols.phase(slug);
    if (!job || job.isSettling || !phase) return;
    const { protocolId } = job;
    const { status } = phase;
    this.#parts.protocols.setPhase(slug, { status, reason });
    this.#words.tellStep({ slug, protocolId, status, reason, ...(progress ? { progress } : {}) });
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
    this.#words.tellEnd({ slug, startedAt: job.startedAt, exitStatus: 1, installationSuccess: false });
  }

  /** Nothing is under way any more. */
  #end(slug: string): InstallationJob | undefined {
    const job = this.#jobs.get(slug);
    this.#jobs.delete(slug);
    job?.end();
    return job;
  }

  #runs(slug: string, job: InstallationJob | undefined): void {
    if (job && (job.plan.trialMs !== undefined || job.plan.commit)) {
      job.startTrial(job.plan.trialMs ?? 0, () => this.#passes(job));
      return;
    }
    const lateAfterAll = this.#parts.protocols.phase(slug)?.status === 'failed';
    if (job || lateAfterAll) this.#succeeded(slug);
    this.#copies.keep(slug);
  }

  #succeeded(slug: string, reason?: string): void {
    const { protocols, events, now } = this.#parts;
    const { startedAt = now(), kind, said = [] } = this.#end(slug) ?? {};
    protocols.setPhase(slug, undefined);
    const { id: protocolId, version } = protocols.package(slug).manifest;
    const told = reason ?? `version ${version} runs`;
    this.#words.tellStep({ slug, protocolId, status: 'installed', reason: told });
    this.#words.tellEnd({ slug, startedAt, said, exitStatus: 0, installationSuccess: true });
    if (kind === 'update') events.emit('updateEnded', { of: slug, version });
  }

  /** Its trial is over: whether it runs well. Then it is made to last. */
  #passes(job: InstallationJob): boolean {
    const { slug, plan } = job;
    const { accepts = () => true, commit } = plan;
    if (!accepts(this.#parts.protocols.get(slug).state)) return false;
    job.settle();
    Promise.resolve(commit?.()).then(
      () => {
        if (this.#jobs.get(slug) === job) this.#succeeded(slug);
      },
      (error: Error) => {
        job.unsettle();
        void this.#failed(slug, `it could not be kept: ${error.message}`);
      },
    );
    return true;
  }

  async #failed(slug: string, reason: string): Promise<void> {
    const { protocols, events, onTrouble } = this.#parts;
    const job = this.#jobs.get(slug);
    if (!job || job.isSettling) return;
    const { startedAt, exitCode = 1, said, protocolId, plan } = job;
    const { before, undo } = plan;
    if (undo) await this.#undo(job, reason);
    else this.#end(slug);
    const { version: tried } = protocols.package(slug).manifest;
    if (!undo) protocols.setPhase(slug, { status: 'failed', reason });
    if (before) {
      try {
        await this.#changes.run(async () => {
          // somebody was quicker
          if (!protocols.isInstalled(slug) || this.#jobs.has(slug)) return;
          await this.#copies.goBack(slug, before, reason);
        });
      } catch (error) {
        onTrouble(`the version of add-on "${slug}" that ran could not be put back`, error);
      }
    }
    const { status, reason: told = reason } = protocols.phase(slug) ?? { status: 'failed' as const };
    this.#words.tellStep({ slug, protocolId, status, reason: told });
    // a process that ended by itself with 0 has failed all the same
    this.#words.tellEnd({ slug, startedAt, said, exitStatus: exitCode || 1, installationSuccess: false });
    if (job.kind === 'update') events.emit('updateEnded', { of: slug, version: tried, failure: reason });
  }

  /** Goes back while nothing else of this add-on can begin. */
  async #undo(job: InstallationJob, reason: string): Promise<void> {
    const { protocols, onTrouble } = this.#parts;
    const { slug, kind, plan } = job;
    job.settle();
    job.giveUp();
    const phase = await plan
      .undo?.(reason)
      .catch((error: unknown) =>
        onTrouble(`the ${kind} of add-on "${slug}" failed, and what was before could not be put back`, error),
      );
    protocols.setPhase(slug, phase ?? { status: 'failed', reason });
    this.#end(slug);
  }

  async #removed(slug: string): Promise<void> {
    const { protocols, onTrouble } = this.#parts;
    const job = this.#jobs.get(slug);
    if (!job || job.isSettling) return;
    let reason = 'it was removed';
    if (job.plan.commit) {
      job.settle();
      await job.plan.commit().catch((error: Error) => {
        reason = `it was removed, but not all that it had: ${error.message}; that is tried again when the engine is back, or at the next start`;
        onTrouble(`what add-on "${slug}" had could not be removed`, error);
      });
    }
    this.#end(slug);
    protocols.setPhase(slug, undefined);
    // the protocol itself may have been taken away meanwhile
    this.#words.tellStep({ slug, protocolId: job.protocolId, status: 'notInstalled', reason });
    this.#copies.forget(slug);
  }
}
