import assert from 'node:assert/strict';
import { pino } from 'pino';
import { FAILURES_PER_ADDRESS, FAILURES_PER_CLIENT, LogInLimit } from '../../../src/api/log-in-limit.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Health } from '../../../src/core/health.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { type ErrorCode, GatewayError } from '../../../src/model/error.ts';

describe('the limit of failed log-ins', () => {
  let limit: LogInLimit;
  let pausesMs: number[];
  let log: string[];
  let told: GatewayEvents['logInFailed'][];

  beforeEach(() => {
    pausesMs = [];
    log = [];
    const events = new EventBus<GatewayEvents>((_, error) => {
      throw error;
    });
    told = [];
    events.on('logInFailed', (failure) => told.push(failure));
    limit = new LogInLimit({
      figures: { failedLogIns: 0, limitedLogIns: 0 },
      health: new Health({ events, now: Date.now, vital: [] }),
      events,
      isClient: (clientId) => clientId === 'id',
      logger: pino({ level: 'warn' }, { write: (line) => log.push(line) }),
      pause: async (ms) => {
        pausesMs.push(ms);
      },
    });
  });

  /** What becomes of an attempt whose log-in ends with `outcome`. */
  const attempt = (address: string, clientId: string, outcome?: ErrorCode) =>
    limit
      .guard({ address, clientId }, async () => {
        if (outcome) throw new GatewayError(outcome, 'no');
        return 'in';
      })
      .catch((error: GatewayError) => error.code);
  const many = async (count: number, one: (n: number) => Promise<string>) => {
    const outcomes = new Map<string, number>();
    for (let n = 0; n < count; n += 1) {
      const outcome = await one(n);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    return Object.fromEntries(outcomes);
  };

  it('slows each failure more than the one before, up to a second', async () => {
    await many(FAILURES_PER_ADDRESS, (n) => attempt('here', `id${n}`, 'unauthorized'));
    assert.deepEqual(
      pausesMs,
      Array.from({ length: FAILURES_PER_ADDRESS }, (_, n) => (n + 1) * 100),
    );
  });

  it('holds an address to its number, whatever ids it tries, and leaves others alone', async () => {
    const outcomes = await many(20, (n) => attempt('here', `id${n}`, 'unauthorized'));
    assert.deepEqual(outcomes, { unauthorized: FAILURES_PER_ADDRESS, tooManyRequests: 10 });
    assert.equal(await attempt('here', 'other'), 'tooManyRequests');
    assert.equal(await attempt('there', 'other'), 'in');
    assert.equal(log.length, 1);
  });

  it('holds a client id to its number, from wherever it is tried, and says so once', async () => {
    const outcomes = await many(50, (n) => attempt(`address${n}`, 'id', 'unauthorized'));
    assert.deepEqual(outcomes, {
      unauthorized: FAILURES_PER_CLIENT,
      tooManyRequests: 50 - FAILURES_PER_CLIENT,
    });
    assert.equal(await attempt('address49', 'other'), 'in');
    assert.equal(log.length, 1);
    assert.equal(/"id"/.test(log.join()), false);
  });

  it('tells of each failure, with the id of a client that there is and no other', async () => {
    await attempt('here', 'id', 'unauthorized');
    await attempt('here', 'a-secret', 'unauthorized');
    await attempt('there', 'id', 'unauthorized');
    await attempt('there', 'id', 'unavailable');
    assert.deepEqual(told, [
      { address: 'here', clientId: 'id', failures: 1 },
      { address: 'here', failures: 2 },
      { address: 'there', clientId: 'id', failures: 2 },
    ]);
  });

  it('counts neither what succeeds nor what was not looked at', async () => {
    assert.deepEqual(await many(40, () => attempt('here', 'id')), { in: 40 });
    const busy = await many(40, () => attempt('here', 'id', 'unavailable'));
    assert.deepEqual(busy, { unavailable: 40 });
    assert.deepEqual(pausesMs, []);
  });

  it('counts what runs at the same time too', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => attempt('here', `id${n}`, 'unauthorized')),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'unauthorized').length, FAILURES_PER_ADDRESS);
  });
});
