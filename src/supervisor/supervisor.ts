/**
 * Keeps exactly the desired add-ons running: whatever happens wakes it, it plans anew (`plan.ts`) and carries the
 * steps out. Planning is serial; of one add-on one step is under way at a time, and a slow step of one add-on (a
 * port that an earlier process still holds, a stop that waits for its deadline) does not hold up the others.
 *
 * Health: what a connected add-on says of itself stands. The supervisor reports only what the add-on cannot:
 * that it starts, lost its connection, ended, waits, or cannot run here.
 */
import type { GatewayEventBus } from '../core/events.ts';
import type { Health } from '../core/health.ts';
import type { AddonCredentials } from '../core/ports.ts';
import { type AddonPackage, type DesiredAddon, partOf } from '../core/protocols/protocols.ts';
import type { Dispose } from '../lib/event-bus.ts';
import type { Logger } from '../lib/logger.ts';
import {
  type ActualAddon,
  type AddonConnection,
  HANG_LIMITS,
  type HangLimits,
  plan,
  type Step,
  versionOf,
} from './plan.ts';
import {
  afterEnd,
  afterRestart,
  exitReason,
  NO_FAILURES,
  RESTART_LIMITS,
  type RestartHistory,
  type RestartLimits,
  waitingReason,
  withWords,
} from './restart-policy.ts';
import type { AddonRuntime, RunningAddon } from './runtime.ts';

export interface SupervisorLimits {
  hang: HangLimits;
  restart: RestartLimits;
  /** From SIGTERM to SIGKILL for an add-on that hangs: it is not expected to answer. */
  hungStopMs: number;
}

export const SUPERVISOR_LIMITS: SupervisorLimits = {
  hang: HANG_LIMITS,
  restart: RESTART_LIMITS,
  hungStopMs: 1_000,
};

export interface SupervisorParts {
  /** What shall run: `Protocols`. */
  protocols: { desired(): DesiredAddon[] };
  runtime: AddonRuntime;
  credentials: AddonCredentials;
  health: Health;
  events: GatewayEventBus;
  logger: Logger;
  /** Milliseconds that only ever grow, whatever is done to the system's clock: `performance.now`. */
  monotonicNow: () => number;
  random: () => number;
  limits?: SupervisorLimits;
}

/** What is known of one add-on. */
interface Slot {
  slug: string;
  status:
    | { phase: 'busy' }
    | { phase: 'refused'; version: string }
    | { phase: 'waiting'; version: string; untilMs: number }
    | { phase: 'running'; version: string; addon: AddonPackage; run: RunningAddon };
  /** Of the present run; noted also while its start is not yet complete. */
  link: AddonConnection;
  startedMs: number;
  history: RestartHistory;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #limits: SupervisorLimits;
  readonly #slots = new Map<string, Slot>();
  readonly #work = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #disposers: Dispose[] = [];
  #timer: NodeJS.Timeout | undefined;
  #woken = false;
  #stopped: Promise<void> | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? SUPERVISOR_LIMITS;
  }

  /** Begins to start what is desired, and does not wait for it: an add-on in trouble holds up nothing. */
  async start(): Promise<void> {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('protocolsChanged', () => this.#wake()),
      events.on('addonConnected', ({ slug }) => this.#noteLink(slug, 'connected')),
      events.on('addonDisconnected', ({ slug }) => this.#noteLink(slug, 'disconnected')),
    ];
    this.#wake();
  }

  /** Add-ons that wait for their next attempt make it now: what they waited for may be there again. */
  hurry(wanted: (addon: string) => boolean): void {
    for (const { slug, status } of this.#slots.values())
      if (status.phase === 'waiting' && wanted(slug)) status.untilMs = 0;
    this.#wake();
  }

  /** Ends all add-ons at once; resolves when none is left, but those that live on without a daemon. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    clearTimeout(this.#timer);
    for (const dispose of this.#disposers) dispose();
    for (const slot of this.#slots.values()) {
      const { status } = slot;
      if (status.phase !== 'running') continue;
      if (status.run.release) this.#release(slot, status.run);
      else this.#carryOut({ do: 'stop', slug: slot.slug });
    }
    await Promise.all(this.#work);
    for (const slug of this.#slots.keys()) this.#parts.health.report(partOf(slug), 'stopped');
    this.#slots.clear();
  }

  /** Followed no further: its connection ends with the broker. */
  #release(slot: Slot, run: RunningAddon): void {
    slot.status = { phase: 'busy' };
    const work = Promise.resolve(run.release?.())
      .catch((error: unknown) =>
        this.#parts.logger.warn({ addon: slot.slug, err: error }, 'an add-on could not be let go in order'),
      )
      .finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  /** Looks again soon. Many causes at once make one look, and a look is never begun inside another. */
  #wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#ending.signal.aborted) return;
    clearTimeout(this.#timer);
    const { protocols, runtime, monotonicNow } = this.#parts;
    const nowMs = monotonicNow();
    const { steps, lookAgainAtMs } = plan({
      desired: protocols.desired().map((wanted) => ({ ...wanted, refusal: runtime.refusal(wanted.addon) })),
      actual: new Map([...this.#slots].map(([slug, slot]) => [slug, actualOf(slot)])),
      nowMs,
      limits: this.#limits.hang,
    });
    for (const step of steps) this.#carryOut(step);
    if (lookAgainAtMs !== undefined)
      this.#timer = setTimeout(() => this.#wake(), Math.max(1, lookAgainAtMs - nowMs));
  }

  /** Marks the add-on busy at once, does the step, then looks again. */
  #carryOut(step: Step): void {
    const slot = this.#slot(step.slug);
    const before = slot.status;
    slot.status = { phase: 'busy' };
    const work = this.#do(step, slot, before)
      .catch((error: unknown) => {
        this.#parts.logger.error({ addon: slot.slug, err: error }, `step "${step.do}" went wrong`);
        this.#failed(slot, { reason: `gate failed to ${step.do} it: ${messageOf(error)}`, version: '' });
      })
      .finally(() => {
        this.#work.delete(work);
        this.#wake();
      });
    this.#work.add(work);
  }

  async #do(step: Step, slot: Slot, before: Slot['status']): Promise<void> {
    const run = before.phase === 'running' ? before : undefined;
    switch (step.do) {
      case 'start':
        return this.#start(slot, step.addon);
      case 'refuse':
        this.#parts.health.report(partOf(slot.slug), 'failed', step.reason);
        slot.status = { phase: 'refused', version: versionOf(step.addon) };
        return;
      case 'restart':
        return run && this.#endHung(slot, run, step.reason);
      case 'replace':
        await this.#end(slot, run?.run);
        slot.history = { ...slot.history, attempt: 0 };
        slot.status = { phase: 'waiting', version: '', untilMs: 0 };
        return;
      case 'stop':
        await this.#end(slot, run?.run);
        return this.#forget(slot);
      case 'forget':
        return this.#forget(slot);
      default:
        step satisfies never;
    }
  }

  async #start(slot: Slot, addon: AddonPackage): Promise<void> {
    const { runtime, credentials, health, events, logger, monotonicNow } = this.#parts;
    const { slug } = slot;
    const version = versionOf(addon);
    slot.history = afterRestart(slot.history);
    events.emit('addonRunBegan', { slug });
    health.report(partOf(slug), 'starting');
    health.note(partOf(slug), { restarts: slot.history.restarts });
    slot.startedMs = monotonicNow();
    slot.link = { state: 'neverConnected', sinceMs: slot.startedMs };
    try {
      const login = credentials.issue(slug);
      const run = await runtime.start(
        { slug, addon, login, readmit: (token) => credentials.readmit(slug, token) },
        this.#ending.signal,
      );
      logger.info({ addon: slug, run: run.describe }, 'add-on started');
      if (this.#ending.signal.aborted) return run.release ? run.release() : this.#end(slot, run);
      // what it waited for before it could start is not its own time
      slot.startedMs = monotonicNow();
      if (slot.link.state === 'neverConnected') slot.link = { ...slot.link, sinceMs: slot.startedMs };
      slot.status = { phase: 'running', version, addon, run };
      void run.exited.then(() => this.#noteExit(slot, run));
    } catch (error) {
      credentials.revoke(slug);
      if (!this.#ending.signal.aborted) this.#failed(slot, { reason: messageOf(error), version });
    }
  }

  async #noteExit(slot: Slot, run: RunningAddon): Promise<void> {
    const { status } = slot;
    if (status.phase !== 'running' || status.run !== run) return; // it was ended on purpose
    this.#parts.credentials.revoke(slot.slug);
    const end = await run.exited;
    this.#parts.events.emit('addonRunEnded', { slug: slot.slug, code: end.code, signal: end.signal });
    this.#failed(slot, { reason: exitReason(end), version: status.version });
    this.#wake();
  }

  async #endHung(slot: Slot, { run, version }: { run: RunningAddon; version: string }, reason: string) {
    this.#parts.logger.warn({ addon: slot.slug, run: run.describe, reason }, 'add-on hangs; ending it');
    const refused = this.#refusedBecause(slot.slug);
    await this.#end(slot, run, this.#limits.hungStopMs);
    const { lastWords } = await run.exited;
    this.#failed(slot, { reason: refused ?? withWords(reason, lastWords), version });
  }

  /** The login goes last: until the process is gone it may still hand over what it has. */
  async #end(slot: Slot, run: RunningAddon | undefined, graceMs?: number): Promise<void> {
    await run?.stop(graceMs);
    this.#parts.credentials.revoke(slot.slug);
  }

  /** A run ended, or could not begin: health says why, and the add-on waits for its next attempt. */
  #failed(slot: Slot, { reason, version }: { reason: string; version: string }): void {
    const { health, logger, monotonicNow, random } = this.#parts;
    const nowMs = monotonicNow();
    const end = { reason, ranMs: nowMs - slot.startedMs };
    const { history, waitMs } = afterEnd(slot.history, end, this.#limits.restart, random);
    slot.history = history;
    slot.status = { phase: 'waiting', version, untilMs: nowMs + waitMs };
    const told = waitingReason(history, waitMs);
    logger.warn({ addon: slot.slug, reason: told }, 'add-on failed');
    health.note(partOf(slot.slug), { lastFailure: reason });
    health.report(partOf(slot.slug), 'failed', told);
  }

  #forget({ slug }: Slot): void {
    this.#slots.delete(slug);
    if (!this.#ending.signal.aborted) this.#parts.health.forget(partOf(slug));
    else this.#parts.health.report(partOf(slug), 'stopped');
    this.#parts.events.emit('addonStopped', { slug });
  }

  /** Why an add-on that runs counts as failed already (it speaks another contract): the better reason. */
  #refusedBecause(slug: string): string | undefined {
    const part = this.#parts.health.part(partOf(slug));
    return part?.state === 'failed' ? part.reason : undefined;
  }

  #noteLink(slug: string, state: 'connected' | 'disconnected'): void {
    const slot = this.#slots.get(slug);
    // an end without a beginning is that of the run before
    if (!slot || (state === 'disconnected' && slot.link.state !== 'connected')) return;
    slot.link = { state, sinceMs: this.#parts.monotonicNow() };
    if (slot.status.phase !== 'running') return;
    if (state === 'disconnected' && this.#refusedBecause(slug) === undefined)
      this.#parts.health.report(partOf(slug), 'degraded', 'it lost its connection to gate');
    this.#wake();
  }

  #slot(slug: string): Slot {
    const slot = this.#slots.get(slug) ?? {
      slug,
      status: { phase: 'busy' as const },
      link: { state: 'neverConnected' as const, sinceMs: 0 },
      startedMs: 0,
      history: NO_FAILURES,
    };
    this.#slots.set(slug, slot);
    return slot;
  }
}

function actualOf({ status, link }: Slot): ActualAddon {
  return status.phase === 'running' ? { phase: 'running', version: status.version, link } : status;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
