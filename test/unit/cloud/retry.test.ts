import assert from 'node:assert/strict';
import { RETRY_MAX_MS, Retry, STABLE_MS } from '../../../src/cloud/retry.ts';

const failed = { livedMs: 0, isTakenOver: false };
const waits = (
  random: number,
  count: number,
  retry = new Retry({ maxMs: RETRY_MAX_MS, random: () => random }),
) => Array.from({ length: count }, () => retry.afterEnd(failed));

describe('the waits between attempts to reach the cloud', () => {
  it('are drawn from 1 s up to a bound that doubles, 5 minutes at most', () => {
    assert.deepEqual(waits(0, 12), Array(12).fill(1_000));
    const longest = waits(1, 12);
    assert.deepEqual(longest.slice(0, 4), [2_000, 4_000, 8_000, 16_000]);
    assert.deepEqual(longest.slice(-3), [300_000, 300_000, 300_000]);
    assert.equal(waits(0.5, 20).at(-1), 150_500);
  });

  it('begin anew only after a connection that lasted a minute', () => {
    const retry = new Retry({ maxMs: RETRY_MAX_MS, random: () => 1 });
    waits(1, 6, retry);
    assert.equal(retry.afterEnd({ livedMs: STABLE_MS - 1, isTakenOver: false }), 128_000);
    assert.equal(retry.afterEnd({ livedMs: STABLE_MS, isTakenOver: false }), 2_000);
  });

  it('are long at once where another client has taken the id', () => {
    const least = new Retry({ maxMs: RETRY_MAX_MS, random: () => 0 });
    assert.equal(least.afterEnd({ livedMs: 1, isTakenOver: true }), 30_000);
    const longest = new Retry({ maxMs: RETRY_MAX_MS, random: () => 1 });
    assert.equal(longest.afterEnd({ livedMs: STABLE_MS, isTakenOver: true }), 64_000);
  });
});
