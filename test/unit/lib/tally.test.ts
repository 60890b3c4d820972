import assert from 'node:assert/strict';
import { Distribution, Tally } from '../../../src/lib/tally.ts';

describe('a tally', () => {
  it('counts by name', () => {
    const tally = new Tally();
    tally.add('a');
    tally.add('b', 3);
    tally.add('a');
    assert.deepEqual(
      [...tally.entries()],
      [
        ['a', 2],
        ['b', 3],
      ],
    );
    assert.deepEqual([tally.of('b'), tally.of('__proto__')], [3, 0]);
  });
});

describe('a distribution', () => {
  it('counts what lies at or below each bound, and all of it', () => {
    const distribution = new Distribution([1, 2, 4]);
    for (const value of [0.5, 1, 1.5, 4, 9]) distribution.add(value);
    assert.deepEqual(distribution.cumulative(), [
      { bound: 1, count: 2 },
      { bound: 2, count: 3 },
      { bound: 4, count: 4 },
    ]);
    assert.deepEqual([distribution.count, distribution.sum], [5, 16]);
  });
});
