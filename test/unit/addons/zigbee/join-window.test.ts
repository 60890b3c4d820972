/** The time in which devices may join. */
import assert from 'node:assert/strict';
import type { Controller } from 'zigbee-herdsman';
import { JoinWindow } from '../../../../addons/zigbee/src/pairing/join-window.ts';
import { ManualClock } from '../manual-clock.ts';

describe('the time in which Zigbee devices may join', () => {
  const setUp = () => {
    const clock = new ManualClock();
    const told: number[] = [];
    const controller = {
      permitJoin: async (seconds: number) => void told.push(seconds),
    } as unknown as Controller;
    return { clock, told, controller, window: new JoinWindow(clock) };
  };

  it('is closed once, also where it is over by then: the stick may not have noticed', async () => {
    const { clock, told, controller, window } = setUp();
    await window.set(controller, clock.uptime() + 10_000);
    await clock.advance(60_000);
    await window.set(controller, 0);
    await window.set(controller, 0);
    assert.deepEqual(told, [11, 0]);
  });

  it('is made longer where it is too short, and left alone where it is not', async () => {
    const { clock, told, controller, window } = setUp();
    await window.set(controller, clock.uptime() + 10_000);
    await window.set(controller, clock.uptime() + 5_000);
    await window.set(controller, clock.uptime() + 20_000);
    assert.deepEqual(told, [11, 21]);
  });

  it('is nobody’s to close after the coordinator was started anew', async () => {
    const { clock, told, controller, window } = setUp();
    await window.set(controller, clock.uptime() + 10_000);
    window.forget();
    await window.set(controller, 0);
    assert.deepEqual(told, [11]);
  });
});
