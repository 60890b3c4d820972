import assert from 'node:assert/strict';
import { type HouseOfDevices, houseOfDevices } from './house-of-devices.ts';

describe('devices', () => {
  let house: HouseOfDevices;
  beforeEach(async () => {
    house = await houseOfDevices();
  });

  const lamp = { name: 'lamp', type: 'lamp-type', parameters: { hostname: 'a' } };

  it('begin with the gateway itself, the same one at every start', async () => {
    const again = await houseOfDevices(house.registry);
    assert.deepEqual(again.devices.list(), house.devices.list());
    assert.deepEqual(
      again.devices.list().map(({ id, isGateway }) => [id, isGateway]),
      [['gateway', true]],
    );
  });

  it('are created with their parameters checked and filled in', async () => {
    const device = await house.devices.create(lamp);
    assert.deepEqual(device.parameters, { hostname: 'a', port: 80 });
    assert.deepEqual(
      [device.protocol, device.parentDevice, device.status.eventType],
      ['lamps', 'gateway', 'created'],
    );
    assert.deepEqual(
      house.told.map(({ event }) => event),
      ['deviceAdded'],
    );
  });

  it('may say which room they are in, and no more', async () => {
    const { id, room } = await house.devices.create({ ...lamp, room: ' Kitchen ' });
    assert.equal(room, 'Kitchen');
    assert.equal((await house.devices.patch(id, { name: 'light' })).room, 'Kitchen');
    assert.equal((await house.devices.patch(id, { room: 'Hall' })).room, 'Hall');
    assert.ok(!('room' in (await house.devices.patch(id, { room: '' }))));
    await assert.rejects(async () => house.devices.patch(id, { room: 'x'.repeat(41) }), /up to 40/);
  });

  it('name every field that is wrong', async () => {
    const wrong: [unknown, string[]][] = [
      [{}, ['name']],
      [{ ...lamp, name: 'x'.repeat(21) }, ['name']],
      [{ ...lamp, name: '  ' }, ['name']],
      [{ ...lamp, name: 5, isVirtual: 'yes' }, ['isVirtual', 'name']],
      [{ ...lamp, type: 'unknown' }, ['type']],
      [{ name: 'lamp' }, ['type']],
      [{ ...lamp, parameters: {} }, ['hostname']],
      [{ ...lamp, parameters: { hostname: 1, port: 0, colour: 'red' } }, ['colour', 'hostname', 'port']],
      [{ name: 'v', isVirtual: true, frequency: 29 }, ['frequency']],
      [null, ['']],
    ];
    for (const [input, fields] of wrong) {
      const refused = await Promise.resolve()
        .then(() => house.devices.create(input))
        .then(
          () => assert.fail(`${JSON.stringify(input)} was taken`),
          (error) => error,
        );
      assert.equal(refused.code, 'badRequest');
      assert.deepEqual(
        refused.errors.map(({ field }: { field: string }) => field).sort(),
        fields,
        JSON.stringify(input),
      );
    }
    assert.equal(house.devices.subDevices().length, 0);
  });

  it('may be virtual without a type, and generate no faster than every 30 s', async () => {
    const device = await house.devices.create({ name: 'v', isVirtual: true });
    assert.deepEqual(
      [device.isVirtual, device.demoActive, device.frequency, device.protocol],
      [true, false, 60, 'virtual'],
    );
    const patched = await house.devices.patch(device.id, { demoActive: true, frequency: 30 });
    assert.deepEqual([patched.demoActive, patched.frequency], [true, 30]);
  });

  it('are changed only in what applies to them, their parameters merged and checked again', async () => {
    const { id } = await house.devices.create(lamp);
    const patched = await house.devices.patch(id, { name: 'new', parameters: { port: 8080 } });
    assert.deepEqual([patched.name, patched.parameters], ['new', { hostname: 'a', port: 8080 }]);
    await assert.rejects(house.devices.patch(id, { parameters: { port: 'x' } }), { code: 'badRequest' });
    await assert.rejects(house.devices.patch(id, { demoActive: true }), { code: 'badRequest' });
    await assert.rejects(house.devices.patch('nobody', { name: 'x' }), { code: 'notFound' });
    assert.equal(house.devices.get(id).parameters['port'], 8080);
  });

  it('take rules for what goes to the cloud, as they are given, and refuse what is none', async () => {
    const { id } = await house.devices.create({ name: 'plug', isVirtual: true });
    const relay = { thinning: { power: { minIntervalSeconds: 60 }, '*': { deadband: 0.5 } } };
    assert.deepEqual((await house.devices.patch(id, { relay })).relay, relay);
    assert.deepEqual((await house.devices.patch(id, { name: 'other' })).relay, relay);
    assert.deepEqual((await house.devices.patch(id, { relay: { excluded: true } })).relay, {
      excluded: true,
    });
    assert.deepEqual((await house.devices.patch(id, { relay: {} })).relay, {});
    for (const wrong of [
      'no',
      { excluded: 'yes' },
      { thinning: { power: {} } },
      { thinning: { power: { deadband: 0 } } },
      { thinning: { power: { minIntervalSeconds: 0.5 } } },
      { thinning: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [n, { deadband: 1 }])) },
    ])
      await assert.rejects(async () => house.devices.patch(id, { relay: wrong }), { code: 'badRequest' });
    const gateway = house.devices.gatewayId;
    await assert.rejects(house.devices.patch(gateway, { relay: { excluded: true } }), { code: 'badRequest' });
  });

  it('cannot lose the gateway itself', async () => {
    await assert.rejects(house.devices.remove('gateway'), { code: 'forbidden' });
  });

  it('tell a change of availability once, and take it only from their own add-on', async () => {
    const { id } = await house.devices.create(lamp);
    house.devices.reportAvailability('lamps', id, { online: false, reason: 'away' });
    house.devices.reportAvailability('lamps', id, { online: false, reason: 'away' });
    assert.equal(house.told.filter(({ event }) => event === 'availabilityChanged').length, 1);
    assert.throws(() => house.devices.reportAvailability('others', id, { online: true }), {
      code: 'badMessage',
    });
    assert.equal(house.devices.availability(id)?.online, false);
  });
});

describe('preinstalled protocols', () => {
  it('are installed at the first start, and stay removed once removed', async () => {
    const house = await houseOfDevices();
    assert.deepEqual(
      house.protocols.list().map(({ slug, status }) => [slug, status]),
      [
        ['lamps', 'installed'],
        ['others', 'notInstalled'],
      ],
    );
    await house.protocols.remove('lamps');
    const again = await houseOfDevices(house.registry);
    assert.equal(again.protocols.get('lamps').status, 'notInstalled');
  });

  it('are not removed while they have devices', async () => {
    const house = await houseOfDevices();
    await house.devices.create({ name: 'lamp', type: 'lamp-type', parameters: { hostname: 'a' } });
    await assert.rejects(house.protocols.remove('lamps'), { code: 'conflict', message: /1 device/ });
  });

  it('are refused when they speak another contract', async () => {
    const house = await houseOfDevices();
    assert.throws(
      () => house.protocols.reportState('lamps', { state: 'running', contract: 7, version: '1' }),
      { code: 'badMessage' },
    );
    assert.equal(house.protocols.get('lamps').state, 'failed');
    assert.match(String(house.protocols.get('lamps').reason), /contract 7/);
  });
});

describe('health', () => {
  it('is ready only when what is vital runs, and degraded by anything else', async () => {
    const { health } = await houseOfDevices();
    assert.equal(health.ready().status, 'notReady');
    health.report('store', 'running');
    assert.equal(health.ready().status, 'ready');
    health.report('addon:x', 'failed', 'it is on fire');
    assert.equal(health.ready().status, 'degraded');
    health.report('store', 'failed', 'disk full');
    assert.equal(health.ready().status, 'notReady');
  });

  it('keeps since when a state holds, whatever is said of it meanwhile, and what was counted', async () => {
    const { health, clock } = await houseOfDevices();
    health.report('addon:x', 'failed', 'first reason');
    const { since } = health.part('addon:x') as { since: number };
    clock.nowMs += 1_000;
    health.note('addon:x', { restarts: 3 });
    health.report('addon:x', 'failed', 'second reason');
    assert.deepEqual(health.part('addon:x'), {
      state: 'failed',
      reason: 'second reason',
      since,
      restarts: 3,
    });
    health.report('addon:x', 'running');
    assert.deepEqual(health.part('addon:x'), { state: 'running', since: since + 1_000, restarts: 3 });
  });
});
