/**
 * When an add-on that ended may start again, and what is said of it meanwhile. Pure. The wait grows with every
 * attempt; a run of `stableMs` begins the count anew.
 */
import { backoffMs } from '../lib/backoff.ts';

export interface RestartLimits {
  minMs: number;
  maxMs: number;
  /** A run as long as this was a good one. */
  stableMs: number;
}

export const RESTART_LIMITS: RestartLimits = { minMs: 1_000, maxMs: 60_000, stableMs: 60_000 };

/** What is remembered of an add-on between its runs. */
export interface RestartHistory {
  /** Runs that ended since the last good one; the coming start is this attempt. */
  attempt: number;
  /** Starts after an end, over the add-on's whole life. */
  restarts: number;
  lastFailure?: string;
}

export const NO_FAILURES: RestartHistory = { attempt: 0, restarts: 0 };

export interface RunEnd {
  reason: string;
  /** How long it ran; 0 when it could not even be started. */
  ranMs: number;
}

/** The history after one more run has ended, and how long to wait before the next. */
export function afterEnd(
  history: RestartHistory,
  { reason, ranMs }: RunEnd,
  limits: RestartLimits,
  random: () => number,
): { history: RestartHistory; waitMs: number } {
  const attempt = ranMs >= limits.stableMs ? 1 : history.attempt + 1;
  const { minMs, maxMs } = limits;
  return {
    history: { attempt, restarts: history.restarts, lastFailure: reason },
    waitMs: backoffMs(attempt - 1, { minMs, maxMs, random }),
  };
}

/** The history once the wait is over and the add-on starts again. */
export function afterRestart(history: RestartHistory): RestartHistory {
  return history.attempt === 0 ? history : { ...history, restarts: history.restarts + 1 };
}

/** What health says while an add-on waits for its next start. */
export function waitingReason({ attempt, lastFailure }: RestartHistory, waitMs: number): string {
  return `${lastFailure}; next start in ${Math.max(1, Math.round(waitMs / 1000))} s (attempt ${attempt})`;
}

export interface ProcessEnd {
  code: number | null;
  signal: string | null;
  lastWords: string;
  /** What the runtime knows of it. */
  reason?: string;
}

/** How a run that nobody asked to end is explained. */
export function exitReason({ code, signal, lastWords, reason }: ProcessEnd): string {
  let how = `it exited with code ${code}`;
  if (reason !== undefined) how = reason;
  else if (signal === 'SIGKILL') how = 'it was killed (SIGKILL), perhaps because memory ran out';
  else if (signal !== null) how = `it was ended by ${signal}`;
  return withWords(how, lastWords);
}

/** `reason` followed by what the add-on itself said last. */
export function withWords(reason: string, lastWords: string): string {
  return lastWords === '' ? reason : `${reason} ("${lastWords}")`;
}
