import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/model/json.ts';
import type { RelayRules } from '../../../src/model/relay-rules.ts';
import { RelayThinning } from '../../../src/store/relay/relay-thinning.ts';

type Given = [seconds: number, data: JsonObject];

const takenBy = (rules: RelayRules, ...given: Given[]): boolean[] => {
  const thinning = new RelayThinning(rules);
  return given.map(([seconds, data]) => thinning.takes(seconds * 1_000, data));
};

describe('thinning of what goes to the cloud', () => {
  it('takes nothing of a device that is excluded, everything of one without rules', () => {
    assert.deepEqual(takenBy({ excluded: true }, [0, { a: 1 }]), [false]);
    assert.deepEqual(takenBy({}, [0, { a: 1 }], [0, { a: 1 }]), [true, true]);
  });

  it('takes a reading when the interval has passed since the last one that was taken', () => {
    const rules = { thinning: { a: { minIntervalSeconds: 10 } } };
    const given: Given[] = [0, 9, 10, 19, 20, 15].map((s) => [s, { a: s }]);
    assert.deepEqual(takenBy(rules, ...given), [true, false, true, false, true, false]);
  });

  it('takes a reading when the value has left the band around the last one that was taken', () => {
    const rules = { thinning: { a: { deadband: 0.5 } } };
    const given: Given[] = [20, 20.4, 20.5, 20.9, 20.1, 20].map((a, s) => [s, { a }]);
    assert.deepEqual(takenBy(rules, ...given), [true, false, true, false, false, true]);
  });

  it('takes a value that is no number when it has changed', () => {
    const rules = { thinning: { a: { deadband: 1 } } };
    const values = ['on', 'on', 'off', 1, 1.5, null, null, { x: 1 }, { x: 1 }, { x: 2 }];
    const given: Given[] = values.map((a, s) => [s, { a }]);
    const expected = [true, false, true, true, false, true, false, true, false, true];
    assert.deepEqual(takenBy(rules, ...given), expected);
    const long = 'x'.repeat(1_000);
    assert.deepEqual(takenBy(rules, [0, { a: long }], [1, { a: `${long}y` }], [2, { a: `${long}y` }]), [
      true,
      true,
      true,
    ]);
  });

  it('asks for both, interval and band, where a rule has both', () => {
    const rules = { thinning: { a: { minIntervalSeconds: 10, deadband: 1 } } };
    const given: Given[] = [
      [0, { a: 0 }],
      [5, { a: 9 }],
      [11, { a: 0.5 }],
      [12, { a: 2 }],
    ];
    assert.deepEqual(takenBy(rules, ...given), [true, false, false, true]);
  });

  it('takes the whole reading when one attribute is due, and any that has no rule is', () => {
    const rules = { thinning: { a: { deadband: 1 }, b: { deadband: 1 } } };
    const given: Given[] = [
      [0, { a: 0, b: 0 }],
      [1, { a: 0, b: 5 }],
      [2, { a: 0, b: 5 }],
      [3, { a: 0, b: 5, c: 0 }],
    ];
    assert.deepEqual(takenBy(rules, ...given), [true, true, false, true]);
  });

  it('has a rule for every other attribute, and paths', () => {
    const rules = { thinning: { 'relay.power': { deadband: 5 }, '*': { minIntervalSeconds: 60 } } };
    const given: Given[] = [
      [0, { relay: { power: 10, energy: 1 }, rssi: -40 }],
      [1, { relay: { power: 11, energy: 2 }, rssi: -50 }],
      [2, { relay: { power: 15, energy: 3 }, rssi: -50 }],
      [61, { relay: { power: 15 }, rssi: -50 }],
      [62, { relay: { power: 15 }, rssi: -50 }],
    ];
    assert.deepEqual(takenBy(rules, ...given), [true, false, true, false, true]);
  });

  it('forgets what was taken when that is taken back', () => {
    const thinning = new RelayThinning({ thinning: { a: { deadband: 1 } } });
    const undo = thinning.mark();
    assert.equal(thinning.takes(0, { a: 1 }), true);
    undo();
    assert.equal(thinning.takes(0, { a: 1 }), true);
    assert.equal(thinning.takes(0, { a: 1 }), false);
  });

  it('of a reading without any attribute takes nothing, where there are rules', () => {
    assert.deepEqual(takenBy({ thinning: { '*': { deadband: 1 } } }, [0, {}]), [false]);
  });
});
