import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RepeatWindow } from '../../../src/store/files/repeat-window.ts';

/** A window over batches that lie in a map, as they otherwise lie in a table. */
function windowOf(size: number) {
  const batches = new Map<number, string[]>();
  const lookups: number[] = [];
  const window = new RepeatWindow({
    size,
    idsOf: (batch) => {
      lookups.push(batch);
      return batches.get(batch) ?? [];
    },
  });
  const add = (batch: number, ids: string[]) => {
    batches.set(batch, ids);
    for (const id of ids) window.add(id, batch);
  };
  return { window, batches, lookups, add };
}

describe('the repeat window', () => {
  it('knows at least the last ids of its size, and in the end forgets older ones', () => {
    const { window, add } = windowOf(10);
    for (let n = 0; n < 35; n += 1) add(n + 1, [`id${n}`]);
    for (let n = 25; n < 35; n += 1) assert.equal(window.has(`id${n}`), true);
    assert.equal(window.has('id0'), false);
  });

  it('never takes an id for another of the same hash', () => {
    const { window, lookups, add } = windowOf(400_000);
    // of so many ids some share their 32 bits of hash
    for (let batch = 1; batch <= 300; batch += 1) {
      add(
        batch,
        Array.from({ length: 1_000 }, (_, n) => `1:${batch}-${n}`),
      );
    }
    for (let n = 0; n < 300_000; n += 1) assert.equal(window.has(`2:${n}`), false);
    assert.ok(lookups.length > 0, 'no two hashes met: the test shows nothing');
    for (let batch = 1; batch <= 300; batch += 1) assert.equal(window.has(`1:${batch}-7`), true);
  });

  it('does not know what has been deleted on disk', () => {
    const { window, batches, add } = windowOf(100);
    add(2 ** 40, ['kept', 'too']);
    add(2 ** 40 + 1, ['gone']);
    batches.delete(2 ** 40 + 1);
    assert.deepEqual(
      ['kept', 'too', 'gone'].map((id) => window.has(id)),
      [true, true, false],
    );
  });

  it('looks a row of repeats up once', () => {
    const { window, lookups, add } = windowOf(100);
    add(1, ['a', 'b', 'c']);
    for (const id of ['a', 'b', 'c']) assert.equal(window.has(id), true);
    assert.deepEqual(lookups, [1]);
  });

  it('answers as a set of the last ids would, whatever the ids are', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string({ unit: 'binary' }), { maxLength: 20 })), (deliveries) => {
        const { window, add } = windowOf(1_000_000);
        const known = new Set<string>();
        deliveries.forEach((ids, index) => {
          for (const id of ids) assert.equal(window.has(id), known.has(id));
          const fresh = [...new Set(ids)].filter((id) => !known.has(id));
          add(index + 1, fresh);
          for (const id of fresh) known.add(id);
        });
        for (const id of known) assert.equal(window.has(id), true);
      }),
    );
  });
});
