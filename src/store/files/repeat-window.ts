/**
 * Recognises a reading that is delivered again, among at least the last `size` ids of one add-on. Memory holds eight
 * bytes for each id, a hash and the batch it came in; the ids themselves lie on disk, where a hash that is known is
 * looked up. So two different ids are never taken for one, and 100,000 ids cost 1 to 2 MB in place of 8.
 *
 * Two generations of at most `size` ids each: never more than twice `size` are held, and forgetting the oldest costs
 * nothing.
 */
export interface RepeatWindowParts {
  size: number;
  /** The ids of one batch as they lie on disk; none when the batch has been deleted there. */
  idsOf: (batch: number) => readonly string[];
}

/** Slots of an empty generation: most add-ons never need more. */
const SLOTS_MIN = 1_024;
/** Above this share of taken slots a search gets long. */
const FULL_SHARE = 0.75;

export class RepeatWindow {
  readonly #size: number;
  readonly #idsOf: RepeatWindowParts['idsOf'];
  #current = new Generation();
  #previous = new Generation();
  /** The batch looked at last: repeats come in rows. */
  #lookedAt: { batch: number; ids: ReadonlySet<string> } | undefined;

  constructor({ size, idsOf }: RepeatWindowParts) {
    this.#size = size;
    this.#idsOf = idsOf;
  }

  has(key: string): boolean {
    const hash = hashOf(key);
    return this.#current.some(hash, key, this.#holds) || this.#previous.some(hash, key, this.#holds);
  }

  /** `batch`: where the id lies on disk; never smaller than that of the id before. */
  add(key: string, batch: number): void {
    this.#current.add(hashOf(key), batch);
    if (this.#current.count < this.#size) return;
    const emptied = this.#previous;
    this.#previous = this.#current;
    this.#current = emptied.clear();
  }

  readonly #holds = (batch: number, key: string): boolean => {
    if (this.#lookedAt?.batch !== batch) this.#lookedAt = { batch, ids: new Set(this.#idsOf(batch)) };
    return this.#lookedAt.ids.has(key);
  };
}

/** Hash → batch in flat arrays, by open addressing with linear search. */
class Generation {
  #hashes = new Uint32Array(SLOTS_MIN);
  /** Counted from the generation's first batch, which is 1; 0 is an empty slot. */
  #batches = new Uint32Array(SLOTS_MIN);
  #firstBatch = 0;
  count = 0;

  /** Used again in place of a new one: memory outside the heap is collected late. */
  clear(): this {
    this.#batches.fill(0);
    this.count = 0;
    return this;
  }

  /** Whether `holds` is true for one of the batches that this hash came in. */
  some(hash: number, key: string, holds: (batch: number, key: string) => boolean): boolean {
    const last = this.#hashes.length - 1;
    for (let slot = hash & last; this.#batches[slot] !== 0; slot = (slot + 1) & last) {
      const batch = this.#batches[slot] as number;
      if (this.#hashes[slot] === hash && holds(batch - 1 + this.#firstBatch, key)) return true;
    }
    return false;
  }

  add(hash: number, batch: number): void {
    if (this.count === 0) this.#firstBatch = batch;
    if (this.count >= this.#hashes.length * FULL_SHARE) this.#grow();
    this.#put(hash, batch - this.#firstBatch + 1);
    this.count += 1;
  }

  #put(hash: number, batch: number): void {
    const last = this.#hashes.length - 1;
    let slot = hash & last;
    while (this.#batches[slot] !== 0) slot = (slot + 1) & last;
    this.#hashes[slot] = hash;
    this.#batches[slot] = batch;
  }

  #grow(): void {
    const [hashes, batches] = [this.#hashes, this.#batches];
    this.#hashes = new Uint32Array(hashes.length * 2);
    this.#batches = new Uint32Array(hashes.length * 2);
    hashes.forEach((hash, slot) => {
      const batch = batches[slot] as number;
      if (batch !== 0) this.#put(hash, batch);
    });
  }
}

/** FNV-1a over the characters, mixed once more so that the low bits, which choose the slot, depend on all of them. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
