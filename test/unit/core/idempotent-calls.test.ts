import assert from 'node:assert/strict';
import {
  IDEMPOTENCY_KEPT_MS,
  IDEMPOTENCY_KEYS_MAX,
  IdempotentCalls,
  type RepeatableCall,
} from '../../../src/core/idempotent-calls.ts';
import { type ErrorCode, GatewayError } from '../../../src/model/error.ts';
import { MemoryRepeats } from '../../support/memory-ports.ts';

describe('calls with an idempotency key', () => {
  let nowMs: number;
  let done: number;
  let store: MemoryRepeats;
  let troubles: number;
  let calls: IdempotentCalls;
  beforeEach(async () => {
    nowMs = 0;
    done = 0;
    troubles = 0;
    store = new MemoryRepeats();
    await restart();
  });

  /** What a new start of the gateway makes of what is kept. */
  async function restart(): Promise<void> {
    calls = new IdempotentCalls({
      store,
      monotonicNow: () => nowMs,
      now: () => nowMs + 1_000,
      onTrouble: () => {
        troubles += 1;
      },
    });
    await calls.start();
  }

  const call: RepeatableCall = async (begin) => {
    await begin();
    done += 1;
  };
  const failing =
    (code: ErrorCode): RepeatableCall =>
    async (begin) => {
      await call(begin);
      throw new GatewayError(code, 'no');
    };

  it('are done once, also while the first is under way', async () => {
    await Promise.all([calls.run('k', 'a', call), calls.run('k', 'a', call)]);
    await calls.run('k', 'a', call);
    assert.equal(done, 1);
    await calls.run('other', 'a', call);
    assert.equal(done, 2);
  });

  it('refuse a key that was used for something else', async () => {
    await calls.run('k', 'a', call);
    assert.throws(() => calls.run('k', 'b', call), { code: 'conflict' });
    await restart();
    assert.throws(() => calls.run('k', 'b', call), { code: 'conflict' });
    assert.equal(done, 1);
  });

  it('are tried anew when the device surely did nothing, and not when it may have', async () => {
    for (const code of ['deviceRefused', 'addonUnavailable'] as const) {
      await assert.rejects(calls.run(code, 'a', failing(code)), { code });
      await assert.rejects(calls.run(code, 'a', failing(code)), { code });
    }
    assert.equal(done, 4);
    assert.equal(store.records.size, 0);
    await assert.rejects(calls.run('k', 'a', failing('deviceTimeout')), { code: 'deviceTimeout' });
    await assert.rejects(calls.run('k', 'a', call), { code: 'deviceTimeout' });
    await restart();
    await assert.rejects(calls.run('k', 'a', call), { code: 'deviceTimeout', message: 'no' });
    assert.equal(done, 5);
  });

  it('are not done again after a restart, whether they had ended or not', async () => {
    await calls.run('ended', 'a', call);
    void calls.run('sent', 'a', async (begin) => {
      await call(begin);
      return new Promise(() => undefined);
    });
    void calls.run('waiting', 'a', () => new Promise(() => undefined));
    await new Promise(setImmediate);
    assert.equal(done, 2);
    await restart();
    await calls.run('ended', 'a', call);
    await assert.rejects(calls.run('sent', 'a', call), { code: 'deviceTimeout', message: /restarted/ });
    assert.equal(done, 2);
    // it had not come to its turn: nothing was done
    await calls.run('waiting', 'a', call);
    assert.equal(done, 3);
  });

  it('are done also when the disk takes no key, and that is told', async () => {
    store.full = true;
    await calls.run('k', 'a', call);
    await calls.run('k', 'a', call);
    assert.equal(done, 1);
    assert.equal(troubles > 0, true);
  });

  it('are forgotten after a day, and the oldest when there are too many', async () => {
    await calls.run('k', 'a', call);
    nowMs = IDEMPOTENCY_KEPT_MS;
    await restart();
    assert.equal(store.records.size, 0);
    await calls.run('k', 'a', call);
    assert.equal(done, 2);
    for (let n = 0; n < IDEMPOTENCY_KEYS_MAX; n += 1) await calls.run(`n${n}`, 'a', call);
    assert.equal(store.records.size, IDEMPOTENCY_KEYS_MAX);
    const before = done;
    await calls.run(`n${IDEMPOTENCY_KEYS_MAX - 1}`, 'a', call);
    // a repeat takes no room: the oldest is still known
    await calls.run('n0', 'a', call);
    assert.equal(done, before);
    await restart();
    await calls.run('k', 'a', call);
    assert.equal(done, before + 1);
  });
});
