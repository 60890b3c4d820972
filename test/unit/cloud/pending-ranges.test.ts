import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PendingRanges } from '../../../src/cloud/relay/pending-ranges.ts';

const HEAD = 40;
const range = fc.tuple(fc.integer({ min: 1, max: HEAD }), fc.nat(12)).map(([first, more]) => ({
  first,
  last: Math.min(HEAD, first + more),
}));

describe('pending ranges', () => {
  it('hold what a plain set would, whatever is taken out', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), fc.integer({ min: 0, max: HEAD }), (removed, head) => {
        const pending = new PendingRanges([{ first: 1 }]);
        const expected = new Set(Array.from({ length: HEAD }, (_, n) => n + 1));
        for (const { first, last } of removed) {
          pending.remove({ first, last });
          for (let n = first; n <= last; n += 1) expected.delete(n);
        }
        const held = pending.upTo(HEAD).list();
        const numbers = held.flatMap(({ first, last = first }) =>
          Array.from({ length: last - first + 1 }, (_, n) => first + n),
        );
        assert.deepEqual(numbers, [...expected]);
        assert.equal(pending.count(head), [...expected].filter((n) => n <= head).length);
        assert.deepEqual(pending.list().at(-1)?.last, undefined);
        for (const [at, { first }] of held.entries())
          assert.ok(at === 0 || first > (held[at - 1]?.last ?? 0) + 1, 'ranges are apart');
      }),
    );
  });

  it('come back from their list as they were', () => {
    const list = [{ first: 3, last: 5 }, { first: 9 }];
    assert.deepEqual(new PendingRanges(list).list(), list);
  });

  it('join what is appended without a gap', () => {
    const pending = new PendingRanges();
    pending.append({ first: 1, last: 2 });
    pending.append({ first: 3, last: 4 });
    pending.append({ first: 6, last: 6 });
    assert.deepEqual(pending.list(), [
      { first: 1, last: 4 },
      { first: 6, last: 6 },
    ]);
  });
});
