import assert from 'node:assert/strict';
import type { EventMessage, JsonObject } from '@gate/addon-sdk';
import {
  BusWatch,
  TELEGRAMS_PER_EVENT,
  TELL_EVERY_MS,
  WATCH_DEFAULT_SECONDS,
} from '../../../addons/knx/src/bus-watch.ts';
import { ManualClock } from './manual-clock.ts';

describe('a watch of the KNX bus', () => {
  let clock: ManualClock;
  let told: EventMessage[];
  let watch: BusWatch;

  beforeEach(() => {
    clock = new ManualClock();
    told = [];
    watch = new BusWatch({ gate: { event: (event) => told.push(event) }, clock });
  });

  const numbers = () =>
    told.flatMap(({ telegrams }) => (telegrams as JsonObject[]).map(({ number }) => number));
  const hear = (number: number) => watch.heard(() => ({ number }));

  it('shapes and tells nothing while nobody has asked', async () => {
    watch.heard(() => assert.fail('shaped for nobody'));
    await clock.advance(TELL_EVERY_MS);
    assert.deepEqual(told, []);
  });

  it('tells what was heard in one event, ten times a second', async () => {
    assert.deepEqual(watch.ask({}), { until: clock.now() + WATCH_DEFAULT_SECONDS * 1_000 });
    hear(1);
    hear(2);
    assert.deepEqual(told, []);
    await clock.advance(TELL_EVERY_MS);
    hear(3);
    await clock.advance(TELL_EVERY_MS);
    assert.deepEqual(
      told.map(({ telegrams, leftOut }) => [(telegrams as unknown[]).length, leftOut]),
      [
        [2, 0],
        [1, 0],
      ],
    );
    assert.deepEqual(numbers(), [1, 2, 3]);
  });

  it('counts what is too much for one event, by number and by size', async () => {
    watch.ask({ seconds: 10 });
    for (let number = 0; number < TELEGRAMS_PER_EVENT + 7; number += 1) hear(number);
    await clock.advance(TELL_EVERY_MS);
    assert.equal(numbers().length, TELEGRAMS_PER_EVENT);
    assert.equal(told[0]?.['leftOut'], 7);
    for (let number = 0; number < 5; number += 1) watch.heard(() => ({ number, name: 'n'.repeat(9_000) }));
    await clock.advance(TELL_EVERY_MS);
    assert.deepEqual([numbers().length - TELEGRAMS_PER_EVENT, told[1]?.['leftOut']], [2, 3]);
  });

  it('ends when its time is over, is not cut short by a shorter one, and ends at once when asked to', async () => {
    watch.ask({ seconds: 10 });
    watch.ask({ seconds: 1 });
    await clock.advance(9_000);
    hear(1);
    await clock.advance(1_000);
    hear(2);
    await clock.advance(1_000);
    assert.deepEqual(numbers(), [1]);
    watch.ask({ seconds: 10 });
    watch.ask({ seconds: 0 });
    hear(3);
    await clock.advance(1_000);
    assert.deepEqual(numbers(), [1]);
    assert.equal(clock.waiting, 0);
    for (const seconds of [-1, 1.5, 3_601, '10'])
      assert.throws(() => watch.ask({ seconds }), { code: 'badRequest' });
  });
});
