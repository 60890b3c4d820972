import assert from 'node:assert/strict';
import { clockWords } from '../../../src/cloud/clock-words.ts';
import { BelievableClock, isBelievable } from '../../../src/core/clock/believable-clock.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Health } from '../../../src/core/health.ts';
import type { ClockRecord } from '../../../src/core/ports.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { MemoryClocks } from '../../support/memory-ports.ts';
import { until } from '../../support/until.ts';

const BUILT = Date.parse('2026-11-01T00:00:00Z');
const RIGHT = Date.parse('2026-11-20T00:00:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of the clock that the box had before it knew the time. */
const UNSURE = 300_000;

describe('the clock of a box', () => {
  let events: EventBus<GatewayEvents>;
  let health: Health;
  let store: MemoryClocks;
  let clock: BelievableClock;
  /** What the clock said when the box was started, and for how long it has run. */
  let wallMs: number;
  let uptimeMs: number;
  let hasNetworkTime: boolean;
  let told: unknown[];

  const now = () => wallMs + uptimeMs;
  const open = (record: Partial<ClockRecord> = {}, boot = 'this') => {
    clock?.stop();
    store.record = { latestMs: [], stretches: [], ...record };
    clock = new BelievableClock({
      health,
      events,
      logger: { warn: () => assert.fail('nothing goes wrong here') },
      store,
      builtAt: BUILT,
      bootId: boot,
      bootTimeMs: () => uptimeMs,
      hasNetworkTime: () => hasNetworkTime,
      now,
      monotonicNow: () => uptimeMs - 50,
      lookEveryMs: 5,
      patienceMs: 30,
    });
    clock.start();
  };
  const reading = (ts: number) => ({ deviceId: 'lamp', id: 'r', ts, data: {} });
  const placed = (ts = now()) => clock.placed(reading(ts));
  const state = () => health.part('clock')?.state;
  const connected = () => events.emit('cloudLinkChanged', { connected: true, ts: now() });
  const set = (ms: number) => {
    wallMs = ms - uptimeMs;
  };

  beforeEach(() => {
    events = new EventBus(() => {});
    store = new MemoryClocks();
    wallMs = 0;
    uptimeMs = UNSURE;
    hasNetworkTime = false;
    health = new Health({ events, now, vital: [] });
    told = [];
    events.on('clockSet', (fact) => told.push(fact));
    events.on('readingsRedated', (fact) => told.push(fact));
  });
  afterEach(() => clock?.stop());

  it('cannot be right before gate was made, nor before any gate was', () => {
    assert.equal(isBelievable(BUILT - 1, BUILT), false);
    assert.equal(isBelievable(BUILT, BUILT), true);
    assert.equal(isBelievable(86_400_000, 0), false);
  });

  it('is not in health where it can be right, and readings are what they are', async () => {
    set(RIGHT);
    open();
    assert.equal(state(), undefined);
    assert.deepEqual(placed(), reading(now()));
    assert.equal(store.record.right?.seenMs, now());
    await until('what is old may go', () => clock.retentionNow() === now());
  });

  it('is in health while it cannot be right, and marks readings until it is set', async () => {
    open();
    assert.equal(state(), 'degraded');
    assert.match(String(health.part('clock')?.reason), /has no time yet: it said 1970-01-01T00:05:00Z/);
    assert.deepEqual(placed().stretch, { k: 1, boot: 'this', offsetMs: 0 });
    assert.equal(clock.retentionNow(), 0);
    assert.deepEqual(store.redated, []);
    store.waiting = 2;
    set(RIGHT);
    await until('it is believed', () => state() === 'running');
    assert.deepEqual(store.redated, [{ boot: 'this', offsetMs: wallMs }]);
    await until('it is told', () => told.length === 2);
    assert.deepEqual(told, [
      { byMs: wallMs, isRight: true },
      { count: 2, estimated: 0 },
    ]);
    assert.deepEqual(placed(), reading(now()));
  });

  it('dates right what was measured before it was set and comes after', () => {
    open();
    placed();
    set(RIGHT);
    // nobody has looked yet: the reading itself is the reason to
    assert.deepEqual(placed(), reading(now()));
    assert.deepEqual(placed(UNSURE - 1_000), reading(RIGHT - 1_000));
    // from a box of its own, or an older one
    assert.deepEqual(placed(RIGHT - DAY_MS), reading(RIGHT - DAY_MS));
    assert.deepEqual(placed(UNSURE + HOUR_MS), reading(UNSURE + HOUR_MS));
  });

  it('marks nothing that another clock has dated', () => {
    open();
    assert.deepEqual(placed(RIGHT), reading(RIGHT));
  });

  it('is not believed while it is behind what was stored last, nor because it runs past that by itself', async () => {
    set(RIGHT - HOUR_MS);
    open({ right: { boot: 'before', offsetMs: 0, seenMs: RIGHT - 30_000 }, latestMs: [RIGHT] });
    assert.equal(state(), 'degraded');
    uptimeMs += HOUR_MS - 10_000;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(now() > RIGHT - 20_000);
    assert.equal(placed().stretch?.k, 1);
    // nobody has set it for an hour: there is no better one
    uptimeMs += HOUR_MS;
    await until('it is believed', () => state() === 'running');
  });

  it('believes no device that is ahead of all others', () => {
    set(RIGHT);
    const latestMs = [RIGHT - 1, RIGHT + 365 * DAY_MS, RIGHT - 2, RIGHT + 60_000, RIGHT - 3];
    open({ right: { boot: 'before', offsetMs: 0, seenMs: RIGHT - 30_000 }, latestMs });
    assert.equal(state(), undefined);
    // a store from before the clock was noted
    open({ latestMs });
    assert.equal(state(), undefined);
  });

  it('is believed as before when the daemon is started anew in the same run of the box', () => {
    set(RIGHT);
    open({
      right: { boot: 'this', offsetMs: wallMs + 20, seenMs: now() + 9_000 },
      latestMs: [now() + 9_000],
    });
    assert.equal(state(), undefined);
  });

  it('goes on with the mark of before when the daemon is started anew while it is unsure', () => {
    open({ stretches: [{ k: 3, boot: 'this', offsetMs: 40 }] });
    assert.deepEqual(placed().stretch, { k: 3, boot: 'this', offsetMs: 40 });
    open({ stretches: [{ k: 3, boot: 'earlier', offsetMs: 40 }] });
    assert.deepEqual(placed().stretch, { k: 4, boot: 'this', offsetMs: 0 });
  });

  it('is believed when the cloud has connected', () => {
    set(RIGHT);
    open({ stretches: [{ k: 1, boot: 'this', offsetMs: wallMs }] });
    events.emit('cloudLinkChanged', { connected: false, ts: now() });
    assert.equal(state(), 'degraded');
    connected();
    assert.equal(state(), 'running');
    assert.equal(store.redated.length, 1);
  });

  it('that contradicts the store is given a moment to be set, when the cloud has connected', async () => {
    open();
    connected();
    assert.equal(state(), 'degraded');
    set(RIGHT);
    await until('it is believed', () => state() === 'running');
    assert.deepEqual(store.redated, [{ boot: 'this', offsetMs: wallMs }]);
  });

  it('is believed as it is when it is not set in that moment', async () => {
    open();
    connected();
    await until('it is believed', () => state() === 'running');
    assert.deepEqual(store.redated, [{ boot: 'this', offsetMs: 0 }]);
  });

  it('is believed when the system has its time from the network, where that can be', async () => {
    hasNetworkTime = true;
    open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(state(), 'degraded');
    set(RIGHT - HOUR_MS);
    open({ right: { boot: 'before', offsetMs: 0, seenMs: RIGHT }, latestMs: [] });
    await until('it is believed', () => state() === 'running');
  });

  it('that is set from one wrong time to another marks readings apart', () => {
    open();
    placed();
    set(5 * DAY_MS);
    assert.deepEqual(placed().stretch, { k: 2, boot: 'this', offsetMs: wallMs });
    assert.deepEqual(placed(UNSURE).stretch, { k: 1, boot: 'this', offsetMs: 0 });
  });

  it('that was right and is set to what cannot be is gone on with by the time since the box was started', async () => {
    set(RIGHT);
    open();
    const right = wallMs;
    set(60_000);
    await until('it is noticed', () => state() === 'degraded');
    assert.match(String(health.part('clock')?.reason), /was set to 1970-01-01T00:01:00Z, which cannot be/);
    uptimeMs += 1_000;
    connected();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(placed(), reading(right + uptimeMs));
    assert.equal(clock.retentionNow(), right + uptimeMs);
    set(RIGHT + 5_000);
    await until('it is right again', () => state() === 'running');
    assert.deepEqual(placed(), reading(now()));
    assert.deepEqual(
      told.map((fact) => (fact as { isRight: boolean }).isRight),
      [false, true],
    );
  });

  it('that is set back to what can be is believed', async () => {
    set(RIGHT);
    open();
    set(RIGHT - DAY_MS);
    await until('it is noticed', () => told.length > 0);
    assert.deepEqual(told, [{ byMs: -DAY_MS, isRight: true }]);
    assert.deepEqual(placed(), reading(now()));
    await until('what is old may go', () => clock.retentionNow() === now());
  });

  it('that leaps years ahead makes nothing old for a day, or until the cloud has connected', async () => {
    set(RIGHT);
    open();
    await until('what is old may go', () => clock.retentionNow() > 0);
    const before = wallMs;
    set(RIGHT + 3_650 * DAY_MS);
    await until('it is noticed', () => told.length > 0);
    await until('it is settled', () => clock.retentionNow() === before + uptimeMs);
    uptimeMs += DAY_MS;
    assert.equal(clock.retentionNow(), now());
    set(RIGHT + 9_000 * DAY_MS);
    await until('it is noticed', () => told.length > 1);
    await until('it is settled', () => clock.retentionNow() > 0);
    assert.ok(clock.retentionNow() < now());
    connected();
    assert.equal(clock.retentionNow(), now());
  });

  it('that is days past what was stored last makes nothing old for a day: also over starts, until the cloud has connected', async () => {
    set(RIGHT + 60 * DAY_MS);
    const right = { boot: 'before', offsetMs: 0, seenMs: RIGHT };
    open({ right });
    await until('it is settled', () => clock.retentionNow() === RIGHT);
    uptimeMs += HOUR_MS;
    const noted = { ...right, seenMs: now(), agesMs: RIGHT + HOUR_MS };
    open({ right: noted }, 'another');
    await until('it is settled', () => clock.retentionNow() === RIGHT + HOUR_MS);
    assert.equal(store.record.right?.agesMs, RIGHT + HOUR_MS);
    connected();
    assert.equal(clock.retentionNow(), now());
    assert.equal(store.record.right?.agesMs, undefined);
  });

  it('is not set when the box has slept', () => {
    set(RIGHT);
    open();
    // the time since the start goes on in sleep, that of the program does not: `monotonicNow` is not asked here
    uptimeMs += HOUR_MS;
    assert.deepEqual(placed(), reading(now()));
    assert.deepEqual(told, []);
  });

  it('is named as the cause of what it brings about, or asked for', () => {
    assert.match(clockWords(300_000, BUILT), /due to the clock of this box, which says 1970-01-01T00:05:00Z/);
    assert.match(clockWords(BUILT + 1, BUILT), /says 2026-11-01T00:00:00Z: is it right\?$/);
  });
});
