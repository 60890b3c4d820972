/** A small generator with a seed, so that a run can be repeated. */

export class Random {
  #state: number;

  /** @param words what tells this stream from the others of the same seed */
  constructor(seed: number, words = '') {
    let state = seed >>> 0;
    // FNV-1a
    for (const character of words) state = Math.imul(state ^ character.charCodeAt(0), 16_777_619) >>> 0;
    this.#state = state;
    this.next();
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to below `max`. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min));
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.whole(0, from.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }

  /** In an order of its own, so that each of them has its turn. */
  shuffled<T>(from: readonly T[]): T[] {
    const all = [...from];
    for (let at = all.length - 1; at > 0; at -= 1) {
      const other = this.whole(0, at + 1);
      [all[at], all[other]] = [all[other] as T, all[at] as T];
    }
    return all;
  }

  /** A stream of its own, which takes nothing from this one but one number. */
  fork(words: string): Random {
    return new Random(this.whole(0, 2 ** 32), words);
  }
}
