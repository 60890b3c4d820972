import assert from 'node:assert/strict';
import {
  IDEMPOTENCY_KEPT_MS,
  IDEMPOTENCY_KEYS_MAX,
  IdempotentCalls,
} from '../../../src/core/idempotent-calls.ts';
import { type ErrorCode, GatewayError } from '../../../src/model/error.ts';

describe('calls with an idempotency key', () => {
  let nowMs: number;
  let done: number;
  let calls: IdempotentCalls;
  beforeEach(() => {
    nowMs = 0;
    done = 0;
    calls = new IdempotentCalls({ monotonicNow: () => nowMs });
  });

  const call = async () => ++done;
  const failing = (code: ErrorCode) => async () => {
    done += 1;
    throw new GatewayError(code, 'no');
  };

  it('are done once, also while the first is under way', async () => {
    assert.deepEqual(await Promise.all([calls.run('k', 'a', call), calls.run('k', 'a', call)]), [1, 1]);
    assert.equal(await calls.run('k', 'a', call), 1);
    assert.equal(await calls.run('other', 'a', call), 2);
  });

  it('refuse a key that was used for something else', async () => {
    await calls.run('k', 'a', call);
    assert.throws(() => calls.run('k', 'b', call), { code: 'conflict' });
    assert.equal(done, 1);
  });

  it('are tried anew when the device surely did nothing, and not when it may have', async () => {
    for (const code of ['deviceRefused', 'addonUnavailable'] as const) {
      await assert.rejects(calls.run(code, 'a', failing(code)), { code });
      await assert.rejects(calls.run(code, 'a', failing(code)), { code });
    }
    assert.equal(done, 4);
    await assert.rejects(calls.run('k', 'a', failing('deviceTimeout')), { code: 'deviceTimeout' });
    await assert.rejects(calls.run('k', 'a', call), { code: 'deviceTimeout' });
    assert.equal(done, 5);
  });

  it('are forgotten after a day, and the oldest when there are too many', async () => {
    await calls.run('k', 'a', call);
    nowMs = IDEMPOTENCY_KEPT_MS;
    assert.equal(await calls.run('k', 'a', call), 2);
    for (let n = 0; n < IDEMPOTENCY_KEYS_MAX; n += 1) await calls.run(`n${n}`, 'a', call);
    const before = done;
    await calls.run(`n${IDEMPOTENCY_KEYS_MAX - 1}`, 'a', call);
    assert.equal(done, before);
    await calls.run('k', 'a', call);
    assert.equal(done, before + 1);
  });
});
