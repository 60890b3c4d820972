/** One installation, update or removal that is under way: how it goes, and its times. What they mean is `InstallationJobs`' part. */
import type { PartState } from '../../model/health.ts';
import type { AddonPackage } from '../protocols/addon-package.ts';
import type { InstallationPhase, InstallationStatus } from '../protocols/protocol-view.ts';

export type JobKind = 'install' | 'update' | 'remove';

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

const STATUSES = { install: 'installing', update: 'updating', remove: 'removing' } as const;

export class InstallationJob {
  readonly kind: JobKind;
  readonly plan: JobPlan;
  readonly slug: string;
  readonly protocolId: string;
  readonly startedAt: number;
  /** What others said while it was prepared: told with its end. */
  readonly said: string[] = [];
  /** A run of it has begun since: what is heard before is the old one's. */
  began: boolean;
  runBeganAt: number | undefined;
  /** How its last run ended meanwhile. */
  exitCode: number | undefined;
  readonly #ending = new AbortController();
  #settling = false;
  #clock: NodeJS.Timeout | undefined;
  #trial: NodeJS.Timeout | undefined;
  #late: (() => void) | undefined;

  constructor(parts: { kind: JobKind; plan: JobPlan; slug: string; protocolId: string; startedAt: number }) {
    const { kind, plan, slug, protocolId, startedAt } = parts;
    [this.kind, this.plan, this.slug, this.protocolId, this.startedAt] = [
      kind,
      plan,
      slug,
      protocolId,
      startedAt,
    ];
    // only an update has another run before it
    this.began = kind === 'install';
  }

  /** What it waits for is given up with it. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** It is being ended, well or not: nothing else ends it. */
  get isSettling(): boolean {
    return this.#settling;
  }

  get status(): InstallationStatus {
    return STATUSES[this.kind];
  }

  /** From now on it has so long; a trial that has begun by then may come to its end. */
  startClock(ms: number, onLate: () => void): void {
    clearTimeout(this.#clock);
    this.#late = undefined;
    this.#clock = setTimeout(() => {
      if (this.#trial) this.#late = onLate;
      else onLate();
    }, ms);
    this.#clock.unref();
  }

  /** One trial at a time: `passes` looks at its end; where it does not pass, it may yet before the deadline. */
  startTrial(ms: number, passes: () => boolean): void {
    if (this.#trial || this.#settling) return;
    this.#trial = setTimeout(() => {
      this.#trial = undefined;
      if (!passes()) this.#late?.();
    }, ms);
  }

  /** Its end has begun. */
  settle(): void {
    this.#settling = true;
    this.#stopTimers();
  }

  /** Its end did not come about. */
  unsettle(): void {
    this.#settling = false;
  }

  /** What it still waits for is waited for no longer. */
  giveUp(): void {
    this.#ending.abort();
  }

  end(): void {
    this.#stopTimers();
    this.giveUp();
  }

  #stopTimers(): void {
    clearTimeout(this.#clock);
    clearTimeout(this.#trial);
    this.#trial = undefined;
    this.#late = undefined;
  }
}
