/**
 * What is to be done so that exactly the desired add-ons run. Pure: `plan` looks at what is desired, at what there
 * is and at the (monotonic) time, and names the steps; the supervisor carries them out.
 */
import type { AddonPackage, DesiredAddon } from '../core/protocols/protocols.ts';

export type ActualAddon =
  /** A step of its own is under way: nothing is decided before it has ended. */
  | { phase: 'busy' }
  /** It cannot run here, and health says why. */
  | { phase: 'refused'; version: string }
  /** It ended and waits for its next start. */
  | { phase: 'waiting'; version: string; untilMs: number }
  | { phase: 'running'; version: string; link: AddonConnection };

/** Whether an add-on that runs is connected to the broker. */
export interface AddonConnection {
  state: 'neverConnected' | 'connected' | 'disconnected';
  /** Since when, on the monotonic clock. */
  sinceMs: number;
}

/** What shall run; `refusal` is why this gateway's runtime cannot run it. */
export type PlannedAddon = DesiredAddon & { refusal?: string | undefined };

export type Step =
  | { do: 'start'; slug: string; addon: AddonPackage }
  | { do: 'refuse'; slug: string; addon: AddonPackage; reason: string }
  /** It hangs: ended, then started again as after any failure. */
  | { do: 'restart'; slug: string; reason: string }
  /** Another version or folder of it is wanted: ended, and the new one started at once. */
  | { do: 'replace'; slug: string }
  /** It runs and shall not. */
  | { do: 'stop'; slug: string }
  /** It does not run and shall not: what is remembered of it goes. */
  | { do: 'forget'; slug: string };

export interface HangLimits {
  /** From an add-on's start to its first connection. */
  connectMs: number;
  /** From the end of its connection to the next. */
  reconnectMs: number;
}

export const HANG_LIMITS: HangLimits = { connectMs: 20_000, reconnectMs: 5_000 };

export interface PlanInput {
  desired: readonly PlannedAddon[];
  actual: ReadonlyMap<string, ActualAddon>;
  nowMs: number;
  limits: HangLimits;
}

export interface Plan {
  steps: Step[];
  /** When time alone makes another step due; undefined when only an event can. */
  lookAgainAtMs: number | undefined;
}

export function plan({ desired, actual, nowMs, limits }: PlanInput): Plan {
  const steps: Step[] = [];
  const dueTimes: number[] = [];
  for (const wanted of desired) {
    const due = dueOf(wanted, actual.get(wanted.slug), limits);
    if (!due) continue;
    if (due.atMs <= nowMs) steps.push(due.step);
    else dueTimes.push(due.atMs);
  }
  const slugs = new Set(desired.map(({ slug }) => slug));
  for (const [slug, { phase }] of actual) {
    if (slugs.has(slug) || phase === 'busy') continue;
    steps.push({ do: phase === 'running' ? 'stop' : 'forget', slug });
  }
  return { steps, lookAgainAtMs: dueTimes.length > 0 ? Math.min(...dueTimes) : undefined };
}

/**
 * What an add-on runs as. Parameters are not part of it: they reach a running add-on by its config message.
 */
export function versionOf({ folder, manifest, generation = 0, container }: AddonPackage): string {
  return JSON.stringify([folder, manifest.version, manifest.runtime, generation, container?.image.id]);
}

/** The next step of one desired add-on and when it is due; undefined when there is none to wait for. */
function dueOf(
  wanted: PlannedAddon,
  actual: ActualAddon | undefined,
  limits: HangLimits,
): { step: Step; atMs: number } | undefined {
  const now = Number.NEGATIVE_INFINITY;
  if (!actual) return { step: begin(wanted), atMs: now };
  if (actual.phase === 'busy') return undefined;
  const changed = actual.version !== versionOf(wanted.addon);
  switch (actual.phase) {
    case 'refused':
      return changed ? { step: begin(wanted), atMs: now } : undefined;
    case 'waiting':
      return { step: begin(wanted), atMs: changed ? now : actual.untilMs };
    case 'running':
      if (changed) return { step: { do: 'replace', slug: wanted.slug }, atMs: now };
      return hang(wanted.slug, actual.link, limits);
  }
}

function begin({ slug, addon, refusal }: PlannedAddon): Step {
  return refusal === undefined
    ? { do: 'start', slug, addon }
    : { do: 'refuse', slug, addon, reason: refusal };
}

function hang(slug: string, { state, sinceMs }: AddonConnection, { connectMs, reconnectMs }: HangLimits) {
  switch (state) {
    case 'connected':
      return undefined;
    case 'neverConnected':
      return restartAt(
        slug,
        sinceMs + connectMs,
        `it did not connect within ${seconds(connectMs)} of its start`,
      );
    case 'disconnected':
      return restartAt(
        slug,
        sinceMs + reconnectMs,
        `it hung: its connection ended and was not back within ${seconds(reconnectMs)}`,
      );
  }
}

function restartAt(slug: string, atMs: number, reason: string): { step: Step; atMs: number } {
  return { step: { do: 'restart', slug, reason }, atMs };
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
