import assert from 'node:assert/strict';
import fc from 'fast-check';
import { INTERVAL_MAX_MS, intervalText, parseInterval } from '../../../src/model/interval.ts';

describe('an interval', () => {
  for (const [text, ms] of [
    ['1s', 1_000],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['366d', INTERVAL_MAX_MS],
    ['367d', undefined],
    ['0s', undefined],
    ['1.5h', undefined],
    ['-1h', undefined],
    ['5', undefined],
    ['m', undefined],
    ['5M', undefined],
    ['5 m', undefined],
    ['', undefined],
    ['99999999d', undefined],
  ] as const) {
    it(`reads "${text}" as ${ms}`, () => assert.equal(parseInterval(text), ms));
  }

  it('is named so that it is at least as long as was asked', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: INTERVAL_MAX_MS, noNaN: true }), (ms) => {
        assert.ok((parseInterval(intervalText(ms)) ?? 0) >= ms);
      }),
    );
    assert.equal(intervalText(259_206), '5m');
  });
});
