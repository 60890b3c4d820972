import assert from 'node:assert/strict';
import { WAITING_COMMANDS_MAX } from '../../../src/core/commands.ts';
import { type HouseOfDevices, houseOfDevices } from './house-of-devices.ts';

describe('commands', () => {
  let house: HouseOfDevices;
  let id: string;
  beforeEach(async () => {
    house = await houseOfDevices();
    ({ id } = await house.devices.create({ name: 'lamp', type: 'lamp-type', parameters: { hostname: 'a' } }));
  });

  it('to one device are carried out in the order they came, one at a time', async () => {
    const running: number[] = [];
    const order: unknown[] = [];
    house.link.answer = async ({ params }) => {
      running.push(1);
      assert.equal(running.length, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running.pop();
      order.push(params['n']);
      return null;
    };
    await Promise.all([0, 1, 2, 3].map((n) => house.commands.set(id, { n })));
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  it('go to the add-on of the device, and a status answer is told', async () => {
    const told: unknown[] = [];
    house.events.on('deviceAnswered', (fact) => told.push(fact));
    house.link.answer = () => Promise.resolve({ state: 'ON' });
    const operation = { id: 'asked', ttl: 1_700_000_000 };
    assert.deepEqual(await house.commands.get(id, {}, 1_000, operation), { state: 'ON' });
    assert.deepEqual(told, [{ deviceId: id, payload: { state: 'ON' }, ts: house.clock.nowMs, operation }]);
    assert.equal(house.link.requests[0]?.slug, 'lamps');
  });

  it('end at their deadline also while they wait for earlier ones', async () => {
    house.link.answer = async () => {
      house.clock.nowMs += 500;
      return null;
    };
    const first = house.commands.set(id, {}, 1_000);
    const second = house.commands.set(id, {}, 400);
    await first;
    await assert.rejects(second, { code: 'deviceTimeout', message: /busy with earlier/ });
    assert.equal(house.link.requests.length, 1);
  });

  it('past the bound are told to come back later', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    house.link.answer = () => gate.then(() => null);
    const waiting = Array.from({ length: WAITING_COMMANDS_MAX }, () => house.commands.set(id, {}));
    await assert.rejects(house.commands.set(id, {}), { code: 'tooManyRequests', retryAfterSeconds: 1 });
    release();
    await Promise.all(waiting);
  });

  it('are not for the gateway itself, nor for a device that is not there', async () => {
    await assert.rejects(house.commands.set('gateway', {}), { code: 'badRequest' });
    await assert.rejects(house.commands.set('nobody', {}), { code: 'notFound' });
  });
});
