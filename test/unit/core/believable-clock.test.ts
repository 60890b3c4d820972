import assert from 'node:assert/strict';
import { clockWords } from '../../../src/cloud/clock-words.ts';
import { BelievableClock, isBelievable } from '../../../src/core/believable-clock.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Health } from '../../../src/core/health.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { until } from '../../support/until.ts';

const BUILT = Date.parse('2026-11-01T00:00:00Z');

describe('the clock of a box', () => {
  let events: EventBus<GatewayEvents>;
  let health: Health;
  let nowMs: number;
  let clock: BelievableClock;
  beforeEach(() => {
    events = new EventBus(() => {});
    nowMs = 300_000;
    health = new Health({ events, now: () => nowMs, vital: [] });
    clock = new BelievableClock({ health, events, builtAt: BUILT, now: () => nowMs, lookEveryMs: 5 });
  });
  afterEach(() => clock.stop());

  it('cannot be right before gate was made, nor before any gate was', () => {
    assert.equal(isBelievable(BUILT - 1, BUILT), false);
    assert.equal(isBelievable(BUILT, BUILT), true);
    assert.equal(isBelievable(86_400_000, 0), false);
  });

  it('is not in health where it can be right', () => {
    nowMs = BUILT + 1;
    clock.start();
    assert.equal(health.part('clock'), undefined);
  });

  it('is in health while it cannot be right, until it can', async () => {
    clock.start();
    assert.equal(health.part('clock')?.state, 'degraded');
    assert.match(String(health.part('clock')?.reason), /has no time yet: it said 1970-01-01T00:05:00Z/);
    nowMs = BUILT + 1;
    await until('it is believed', () => health.part('clock')?.state === 'running');
  });

  it('is believed when the cloud has connected', () => {
    clock.start();
    events.emit('cloudLinkChanged', { connected: false, ts: nowMs });
    assert.equal(health.part('clock')?.state, 'degraded');
    events.emit('cloudLinkChanged', { connected: true, ts: nowMs });
    assert.equal(health.part('clock')?.state, 'running');
  });

  it('is named as the cause of what it brings about, or asked for', () => {
    assert.match(clockWords(300_000, BUILT), /due to the clock of this box, which says 1970-01-01T00:05:00Z/);
    assert.match(clockWords(BUILT + 1, BUILT), /says 2026-11-01T00:00:00Z: is it right\?$/);
  });
});
