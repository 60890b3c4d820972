/**
 * Time as an add-on sees it. Passed in wherever something waits, so that a test holds the time in its hand.
 */
export interface Clock {
  /** Milliseconds since 1970: what time it is, right or wrong; it jumps when the clock is set. */
  now(): number;
  /** Milliseconds that only ever grow, whatever is done to the clock: what durations are measured with. */
  uptime(): number;
  /** Calls `task` once after `ms`; the returned function calls it off. */
  after(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  uptime: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
