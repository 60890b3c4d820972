/** What is heard of add-ons, as far as it moves an installation on: that one began, runs, failed, ended or is gone. */
import type { Dispose } from '../../lib/event-bus.ts';
import type { GatewayEventBus, GatewayEvents } from '../events.ts';
import { type Protocols, partOf } from '../protocols/protocols.ts';
import type { InstallationJob } from './installation-job.ts';

export interface InstallationWatchParts {
  protocols: Protocols;
  events: GatewayEventBus;
  now: () => number;
  /** What is under way. */
  jobs: ReadonlyMap<string, InstallationJob>;
  /** It says that it runs; `job` where something is under way that this may end. */
  onRuns: (slug: string, job: InstallationJob | undefined) => void;
  onFailed: (job: InstallationJob, reason: string) => void;
  /** One that is being removed is gone. */
  onGone: (slug: string) => void;
}

export class InstallationWatch {
  readonly #parts: InstallationWatchParts;
  #disposers: Dispose[] = [];

  constructor(parts: InstallationWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    const { events, jobs, now, onGone } = this.#parts;
    this.#disposers = [
      events.on('addonStateReported', (said) => this.#onState(said)),
      events.on('addonRunBegan', ({ slug }) => {
        const job = jobs.get(slug);
        if (job) Object.assign(job, { began: true, runBeganAt: now() });
      }),
      events.on('addonRunEnded', ({ slug, code }) => {
        const job = jobs.get(slug);
        if (job && code !== null) job.exitCode = code;
      }),
      events.on('healthChanged', (change) => this.#onHealth(change)),
      events.on('addonStopped', ({ slug }) => {
        if (jobs.get(slug)?.kind === 'remove') onGone(slug);
      }),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
  }

  #onState({ slug, state }: GatewayEvents['addonStateReported']): void {
    if (state !== 'running' && state !== 'degraded') return;
    const job = this.#parts.jobs.get(slug);
    if (job && (job.kind === 'remove' || !job.began)) return;
    this.#parts.onRuns(slug, job);
  }

  #onHealth({ part, state, reason = 'it failed' }: GatewayEvents['healthChanged']): void {
    if (state !== 'failed') return;
    const { jobs, onFailed } = this.#parts;
    for (const [slug, job] of jobs) {
      if (partOf(slug) !== part || job.kind === 'remove') continue;
      // what the version before an update still has to say is not meant
      if (job.plan.undo && !job.began) continue;
      onFailed(job, this.#why(job, reason));
    }
  }

  /** One that goes back is not started again: its next start is no part of the reason then. */
  #why({ slug, plan }: InstallationJob, reason: string): string {
    const last = this.#parts.protocols.lastFailure(slug);
    return plan.undo && last !== undefined && reason.startsWith(last) ? last : reason;
  }
}
