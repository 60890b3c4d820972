import assert from 'node:assert/strict';
import { TokenBuckets } from '../../../src/lib/token-buckets.ts';

describe('token buckets', () => {
  let nowMs: number;
  const buckets = (keysMax = 10) =>
    new TokenBuckets({ ratePerSecond: 2, burst: 5, keysMax, monotonicNow: () => nowMs });
  const takenOf = (from: TokenBuckets, key: string, times: number) =>
    Array.from({ length: times }, () => from.take(key)).filter((waitMs) => waitMs === 0).length;

  beforeEach(() => {
    nowMs = 0;
  });

  it('give a burst at once, then only what flows in, and say how long to wait', () => {
    const made = buckets();
    assert.equal(takenOf(made, 'a', 9), 5);
    assert.equal(made.take('a'), 500);
    nowMs += 400;
    assert.equal(Math.round(made.take('a')), 100);
    nowMs += 100;
    assert.equal(made.take('a'), 0);
    nowMs += 2_000;
    assert.equal(takenOf(made, 'a', 9), 4);
    nowMs += 1e9;
    assert.equal(takenOf(made, 'a', 9), 5);
  });

  it('are each key’s own', () => {
    const made = buckets();
    assert.equal(takenOf(made, 'a', 9), 5);
    assert.equal(takenOf(made, 'b', 9), 5);
  });

  it('forget the key used longest ago past their number, and only that', () => {
    const made = buckets(3);
    for (const key of ['a', 'b', 'c', 'a', 'd']) takenOf(made, key, 5);
    assert.equal(made.size, 3);
    assert.notEqual(made.take('a'), 0);
    assert.equal(made.take('b'), 0);
  });
});
