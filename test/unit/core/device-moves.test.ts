import assert from 'node:assert/strict';
import { DeviceMoves } from '../../../src/core/devices/device-moves.ts';
import { Devices } from '../../../src/core/devices/devices.ts';
import { TypeCatalogue } from '../../../src/core/devices/type-catalogue.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { shortId } from '../../../src/lib/short-id.ts';
import { MemoryAvailability, MemoryRegistry } from '../../support/memory-ports.ts';
import { until } from '../../support/until.ts';

describe('a device that was found at another address', () => {
  it('is kept there, and its add-on is told; what was never paired, or goes nowhere, stays as it is', async () => {
    const events = new EventBus<GatewayEvents>((_event, error) => {
      throw error;
    });
    const devices = new Devices({
      registry: new MemoryRegistry(),
      availability: new MemoryAvailability(),
      types: new TypeCatalogue(),
      events,
      gatewayId: 'gateway',
      projectId: 'project',
      now: Date.now,
      newId: shortId,
    });
    await devices.start();
    const { id } = await devices.create({ name: 'strip', isVirtual: true });
    const moves = new DeviceMoves({ devices, events, onTrouble: assert.fail });
    moves.start();
    const moved = (address?: { hostname: string } | null) =>
      events.emit('addonEventReported', {
        slug: 'http',
        type: 'moved',
        deviceId: id,
        details: address === undefined ? {} : { address },
      });

    moved({ hostname: '10.0.0.8' });
    await devices.setStatus(id, { eventType: 'paired' }, { hostname: '10.0.0.7' });
    const changes: unknown[] = [];
    events.on('deviceChanged', ({ device }) => changes.push(device.address));
    moved(null);
    moved();
    moved({ hostname: '10.0.0.9' });
    await until('it has moved', () => changes.length > 0);
    assert.deepEqual(
      [changes, devices.get(id).address],
      [[{ hostname: '10.0.0.9' }], { hostname: '10.0.0.9' }],
    );
    assert.equal(devices.get(id).status.eventType, 'paired');
    moves.stop();
    moved({ hostname: '10.0.0.10' });
    await devices.setStatus(id, { eventType: 'paired' });
    assert.deepEqual(devices.get(id).address, { hostname: '10.0.0.9' });
  });
});
