import assert from 'node:assert/strict';
import { type FaultResult, faultDocument } from '../../../scripts/faults/fault-document.ts';
import { Random } from '../../../scripts/faults/random.ts';
import type { Scenario } from '../../../scripts/faults/scenario.ts';

const scenario = (name: string): Scenario => ({
  name,
  breaks: 'something',
  holds: 'everything',
  boundMs: { short: 1, long: 1 },
  run: async () => ({ faults: 1, counts: {} }),
});
const result = (changes: Partial<FaultResult>): FaultResult => ({
  scenario: 'one',
  form: 'short',
  faults: 3,
  counted: 'readings: 1,000',
  result: 'survived',
  seed: 7,
  date: '2026-01-02',
  seconds: 12,
  ...changes,
});

describe('the fault suite', () => {
  it('chooses the same under the same seed, and something else for another scenario', () => {
    const chosen = (seed: number, name: string) => {
      const random = new Random(seed, name);
      return [
        ...Array.from({ length: 20 }, () => random.whole(0, 1_000)),
        ...random.shuffled([1, 2, 3, 4, 5]),
      ];
    };
    assert.deepEqual(chosen(7, 'kills'), chosen(7, 'kills'));
    assert.notDeepEqual(chosen(7, 'kills'), chosen(7, 'damage'));
    assert.notDeepEqual(chosen(7, 'kills'), chosen(8, 'kills'));
  });

  it('gives every number of a range its turn, and none beside it', () => {
    const random = new Random(1);
    const drawn = new Set(Array.from({ length: 500 }, () => random.whole(3, 6)));
    assert.deepEqual([...drawn].sort(), [3, 4, 5]);
    assert.deepEqual(random.shuffled([1, 2, 3]).sort(), [1, 2, 3]);
  });

  it('replaces the rows of what was run, and keeps those of the others and of the long form', () => {
    const scenarios = [scenario('one'), scenario('two')];
    const first = faultDocument(scenarios, [
      result({}),
      result({ form: 'long', faults: 900 }),
      result({ scenario: 'two', faults: 5 }),
    ]);
    const second = faultDocument(scenarios, [result({ seed: 8, faults: 4 })], first);
    const rows = (text: string) =>
      text
        .split('Last results')[1]
        ?.match(/^\| (one|two).*$/gm)
        ?.map((row) => row.split(/\s*\|\s*/).slice(1, 7));
    assert.deepEqual(rows(second), [
      ['one', 'short', '4', 'readings: 1,000', 'survived', '8'],
      ['one', 'long', '900', 'readings: 1,000', 'survived', '7'],
      ['two', 'short', '5', 'readings: 1,000', 'survived', '7'],
    ]);
  });
});
