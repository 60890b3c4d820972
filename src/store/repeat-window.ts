/**
 * Remembers the latest ids of one add-on, to recognise a reading that is delivered again. Two generations of at
 * most `size` ids each: at least the last `size` are known, never more than twice that are held, and forgetting
 * the oldest costs nothing.
 */
export class RepeatWindow {
  readonly #size: number;
  #current = new Set<string>();
  #previous = new Set<string>();

  constructor(size: number) {
    this.#size = size;
  }

  has(key: string): boolean {
    return this.#current.has(key) || this.#previous.has(key);
  }

  add(key: string): void {
    this.#current.add(key);
    if (this.#current.size < this.#size) return;
    this.#previous = this.#current;
    this.#current = new Set();
  }
}
