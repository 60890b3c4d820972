import assert from 'node:assert/strict';
import { type FaultResult, faultDocument } from '../../../scripts/faults/fault-document.ts';
import { Random } from '../../../scripts/faults/random.ts';
import type { Scenario } from '../../../scripts/faults/scenario.ts';
import { demandSteady, type SoakFigures } from '../../../scripts/faults/soak-figures.ts';

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

const soaked = (changes: Partial<SoakFigures>): SoakFigures => ({
  rssBytes: 100 * 2 ** 20,
  handles: 45,
  files: 55,
  storeBytes: 6 * 2 ** 20,
  acknowledgedMs: [1, 13, 200],
  commandMs: [2, 4, 60],
  othersShare: 0.1,
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

  it('says of a form that was over before its end how far it came', () => {
    const text = faultDocument(
      [scenario('one'), scenario('two')],
      [result({ form: 'long', faults: 900, planned: 12_000 }), result({ scenario: 'two', planned: 3 })],
    );
    assert.match(text, /^\| one +\| long +\| 900 of 12000 +\|/m);
    assert.match(text, /^\| two +\| short +\| 3 +\|/m);
  });

  it('finds what has grown in a soak, and times alone where nobody else takes the machine', () => {
    demandSteady(soaked({}), soaked({ acknowledgedMs: [1, 20, 500], handles: 50 }));
    assert.throws(
      () => demandSteady(soaked({}), soaked({ handles: 60 })),
      /handles have grown from 45 to 60/,
    );
    // a wait for one more window, or for TCP
    const slower = { acknowledgedMs: [10, 38, 50] };
    assert.throws(
      () => demandSteady(soaked({}), soaked(slower)),
      /acknowledgedMs has grown from 13 to 38 ms/,
    );
    demandSteady(soaked({}), soaked({ ...slower, othersShare: 0.8 }));
    assert.throws(
      () => demandSteady(soaked({}), soaked({ commandMs: [300], othersShare: 0.8 })),
      /commandMs has grown/,
    );
  });
});
