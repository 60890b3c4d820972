import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backoffMs } from '../../../src/lib/backoff.ts';
import { DeadlineError, withDeadline } from '../../../src/lib/deadline.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { QueueFullError, SerialQueue } from '../../../src/lib/serial-queue.ts';
import { shortId } from '../../../src/lib/short-id.ts';

describe('back-off', () => {
  it('never waits less than half its step nor more than its cap', () => {
    fc.assert(
      fc.property(
        fc.nat(2_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const ms = backoffMs(attempt, { minMs: 100, maxMs: 60_000, random: () => random });
          const step = Math.min(60_000, 100 * 2 ** Math.min(attempt, 30));
          assert.equal(ms >= Math.floor(step / 2) && ms <= step, true, String(ms));
        },
      ),
    );
  });
});

describe('a serial queue', () => {
  it('goes on after a task that failed, and refuses what is over its bound', async () => {
    const queue = new SerialQueue(2);
    const failing = queue.run(() => Promise.reject(new Error('no')));
    const second = queue.run(async () => 2);
    await assert.rejects(
      queue.run(async () => 3),
      QueueFullError,
    );
    await assert.rejects(failing, /no/);
    assert.equal(await second, 2);
    assert.equal(await queue.run(async () => 4), 4);
    assert.equal(queue.idle, true);
  });
});

describe('a deadline', () => {
  it('names what took too long', async () => {
    await assert.rejects(withDeadline(new Promise(() => undefined), 1, 'waiting'), DeadlineError);
    assert.equal(await withDeadline(Promise.resolve(1), 1_000, 'waiting'), 1);
  });
});

describe('an event bus', () => {
  it('tells everyone although one listener throws, and nobody who has left', () => {
    const failures: unknown[] = [];
    const heard: number[] = [];
    const bus = new EventBus<{ fact: number }>((_event, error) => failures.push(error));
    bus.on('fact', () => {
      throw new Error('deaf');
    });
    const leave = bus.on('fact', (n) => heard.push(n));
    bus.emit('fact', 1);
    leave();
    bus.emit('fact', 2);
    assert.deepEqual([heard, failures.length], [[1], 2]);
  });
});

describe('a short id', () => {
  it('is of letters and digits, of the length asked for, and another one each time', () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => shortId(9)));
    assert.equal(ids.size, 1_000);
    for (const id of ids) assert.match(id, /^[0-9A-Za-z]{9}$/);
  });
});
