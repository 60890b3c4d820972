/** A set of numbers as ranges in order, apart from each other. The last one may be without end. Pure. */
import type { SeqRange } from '../../model/relay.ts';

interface Range {
  first: number;
  /** `Infinity`: without end. */
  last: number;
}

export class PendingRanges {
  #ranges: Range[];

  /** @param ranges in order, apart */
  constructor(ranges: readonly SeqRange[] = []) {
    this.#ranges = ranges.map(({ first, last = Number.POSITIVE_INFINITY }) => ({ first, last }));
  }

  /** How many ranges there are. */
  get size(): number {
    return this.#ranges.length;
  }

  list(): SeqRange[] {
    return this.#ranges.map(({ first, last }) =>
      last === Number.POSITIVE_INFINITY ? { first } : { first, last },
    );
  }

  /** How many numbers there are up to `head`. */
  count(head: number): number {
    return this.#ranges.reduce(
      (sum, { first, last }) => sum + Math.max(0, Math.min(last, head) - first + 1),
      0,
    );
  }

  /** What of it is not above `head`. */
  upTo(head: number): PendingRanges {
    const cut = this.#ranges.map(({ first, last }) => ({ first, last: Math.min(last, head) }));
    return new PendingRanges(cut.filter(({ first, last }) => first <= last));
  }

  /** Adds numbers that are above all others. */
  append({ first, last }: Range): void {
    const newest = this.#ranges.at(-1);
    if (newest && newest.last + 1 === first) newest.last = last;
    else this.#ranges.push({ first, last });
  }

  /** Numbers that are not there are left as they are. */
  remove({ first, last }: Range): void {
    const at = this.#ranges.findIndex((range) => range.last >= first);
    if (at < 0) return;
    const end = this.#ranges.findIndex((range) => range.first > last);
    const touched = this.#ranges.slice(at, end < 0 ? undefined : end);
    const left = touched.flatMap((range) => [
      { first: range.first, last: Math.min(range.last, first - 1) },
      { first: Math.max(range.first, last + 1), last: range.last },
    ]);
    this.#ranges.splice(at, touched.length, ...left.filter((range) => range.first <= range.last));
  }
}
