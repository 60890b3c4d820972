/** The time, for ages that are shown: it moves on once a second, and stands still while nobody looks. */
const TICK_MS = 1_000;

class Clock {
  #now = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.#now = Date.now();
    }, TICK_MS);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#now = Date.now();
    });
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return this.#now;
  }
}

export const clock = new Clock();
