import assert from 'node:assert/strict';
import type { ConfigMessage, DeviceConfig, DeviceRequest, JsonObject } from '@gate/addon-sdk';
import { VirtualAddon } from '../../../addons/virtual/src/virtual-addon.ts';
import { ManualClock } from './manual-clock.ts';

describe('the virtual add-on', () => {
  let clock: ManualClock;
  let readings: { deviceId: string; atMs: number; value: number; isVirtualData: boolean }[];
  let addon: VirtualAddon;

  beforeEach(() => {
    clock = new ManualClock(0);
    readings = [];
    addon = new VirtualAddon({
      clock,
      random: Math.random,
      report: (deviceId, reading) => readings.push({ deviceId, atMs: clock.now(), ...reading }),
    });
  });

  afterEach(() => {
    addon.handlers.stop?.();
    assert.equal(clock.waiting, 0);
  });

  const device = (id: string, parameters: JsonObject): DeviceConfig => ({
    id,
    type: null,
    parameters,
    address: null,
  });
  const configure = (...devices: DeviceConfig[]) =>
    addon.handlers.configure?.({ parameters: {}, devices } satisfies ConfigMessage);
  const request = (deviceId: string, params: JsonObject = {}): DeviceRequest => ({
    method: 'set',
    deviceId,
    params,
    deadline: 0,
    signal: AbortSignal.abort(),
  });
  const active = (frequency = 30) => ({ demoActive: true, frequency });

  it('says nothing for a device that is not active', async () => {
    configure(device('d1', { demoActive: false, frequency: 30 }));
    await clock.advance(100_000);
    assert.deepEqual(readings, []);
  });

  it('tells a value at once after activation, then one in every period', async () => {
    configure(device('d1', active()));
    assert.equal(readings.length, 1);
    await clock.advance(300_000);
    assert.equal(readings.length, 11);
    for (const { value, isVirtualData } of readings) {
      assert.ok(Number.isInteger(value) && value >= 0 && value <= 100);
      assert.equal(isVirtualData, true);
    }
  });

  it('drifts by small steps', async () => {
    configure(device('d1', active()));
    await clock.advance(3_600_000);
    const steps = readings
      .slice(1)
      .map(({ value }, index) => Math.abs(value - (readings[index]?.value ?? 0)));
    assert.ok(Math.max(...steps) <= 3);
    assert.ok(new Set(readings.map(({ value }) => value)).size > 3);
  });

  it('does not let many devices beat together', async () => {
    configure(...Array.from({ length: 1_000 }, (_, index) => device(`d${index}`, active())));
    readings = [];
    await clock.advance(30_000);
    assert.equal(readings.length, 1_000);
    assert.ok(new Set(readings.map(({ atMs }) => Math.floor(atMs / 100))).size > 20);
  });

  it('keeps its beat when the config changes for other devices only', async () => {
    configure(device('d1', active()));
    await clock.advance(29_000);
    configure(device('d1', active()), device('d2', {}));
    await clock.advance(1_000);
    assert.equal(readings.length, 2);
  });

  it('follows a new frequency, and falls silent when it is deactivated or removed', async () => {
    configure(device('d1', active(30)), device('d2', active(30)));
    configure(device('d1', active(60)), device('d2', active(30)));
    await clock.advance(30_000);
    assert.deepEqual(readings.map(({ deviceId }) => deviceId).toSorted(), ['d1', 'd2', 'd2']);
    configure(device('d1', { ...active(60), demoActive: false }));
    await clock.advance(600_000);
    assert.equal(readings.length, 3);
  });

  it('never generates more often than every 30 s', async () => {
    configure(device('d1', active(1)));
    await clock.advance(30_000);
    assert.equal(readings.length, 2);
  });

  it('takes a value that is set as its next one and tells it at once', () => {
    configure(device('d1', {}));
    assert.deepEqual(addon.handlers.set?.(request('d1', { value: 72 })), { value: 72, isVirtualData: true });
    assert.deepEqual(
      readings.map(({ value }) => value),
      [72],
    );
    assert.deepEqual(addon.handlers.get?.(request('d1')), { value: 72, isVirtualData: true });
  });

  it('refuses to set what is no number, and to serve a device that it does not have', () => {
    configure(device('d1', {}));
    assert.throws(() => addon.handlers.set?.(request('d1', { value: 'warm' })), { code: 'badRequest' });
    assert.throws(() => addon.handlers.get?.(request('d2')), { code: 'notFound' });
  });

  it('has nothing to do for pairing and removing', () => {
    configure(device('d1', active()));
    assert.deepEqual(addon.handlers.pair?.(request('d1')), {});
    assert.equal(addon.handlers.remove?.(request('d1')), null);
  });
});
