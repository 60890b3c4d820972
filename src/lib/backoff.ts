/**
 * Exponential back-off with jitter. The wait before attempt n (from 0) is drawn evenly from the upper
 * half of min · 2ⁿ, capped: it always grows, and many clients never come back in step.
 */
export interface BackoffOptions {
  minMs: number;
  maxMs: number;
  /** Uniform in [0, 1); passed in where a test holds it. */
  random?: () => number;
}

export function backoffMs(attempt: number, { minMs, maxMs, random = Math.random }: BackoffOptions): number {
  const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceilingMs / 2 + (ceilingMs / 2) * random());
}
