/** A stick of another network is taken over: what it held is saved first, and is that network again when it is put back. */
import assert from 'node:assert/strict';
import { copyFileSync, globSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { EmberStick } from '../../simulators/zigbee/ember/ember-stick.ts';
import { NvItem } from '../../simulators/zigbee/mt/numbers.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

describe('a stick of another network', () => {
  /** Whose stick it is, and who takes it. */
  let owner: ZigbeeHouse;
  let taker: ZigbeeHouse;
  afterEach(async () => {
    await taker.close();
    await owner.close();
  });

  const savedFiles = () => globSync('taken-over-*', { cwd: taker.dataFolder });

  /** Takes the stick over; the file of what it held. */
  const takeOver = async (devices: number) => {
    await taker.until('degraded', 'foreignNetwork', 40_000);
    const { response, error } = await taker.action('takeOverStick');
    const saved = String(response?.['saved']);
    assert.deepEqual(response, { state: 'done', saved, devices }, JSON.stringify(error));
    await taker.until('running', undefined, 40_000);
    assert.deepEqual(savedFiles(), [saved]);
    const path = join(taker.dataFolder, saved);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    return path;
  };

  const assertUntold = async (networkKey: Buffer | undefined) => {
    assert.ok(networkKey);
    const told = JSON.stringify([taker.daemon.log, await taker.api.get('/device/v1/protocols/zigbee')]);
    for (const key of [networkKey.toString('hex'), [...networkKey].join(',')])
      assert.equal(told.includes(key), false);
  };

  /** The guide's way: in place of the owner's own backup, which is lost. */
  const putBack = async (path: string) => {
    for (const name of globSync('coordinator-backup*', { cwd: owner.dataFolder }))
      rmSync(join(owner.dataFolder, name));
    copyFileSync(path, join(owner.dataFolder, 'coordinator-backup.json'));
    await owner.restart();
    await owner.until('running', undefined, 60_000);
    assert.match(owner.log(), /the network was restored to the stick/);
  };

  it('is taken over with what it held saved, which another stick goes on with: no device is paired again', async () => {
    owner = await ZigbeeHouse.open();
    const bulb = owner.radio.add(new ColourBulb());
    const { id, status } = await owner.pair(TYPES.bulb, bulb, { touchlink: false });
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    const { radio } = owner;
    const before = radio.network;
    await owner.daemon.stop();

    taker = await ZigbeeHouse.open({ installed: false });
    await taker.install({ port: radio.url });
    const path = await takeOver(1);
    assert.notEqual(radio.network?.panId, before?.panId);
    assert.ok(readFileSync(path, 'utf8').includes(bulb.ieee.slice(2)));
    await assertUntold(before?.networkKey);
    await taker.daemon.stop();

    await radio.unplug();
    owner.radio = await SimulatedRadio.start({
      port: radio.port,
      air: radio.air,
      ieee: '0x00124b00aaaaaaaa',
    });
    owner.radio.add(bulb);
    await putBack(path);
    assert.deepEqual(owner.radio.network, before);
    await until('the bulb answers', async () => (await owner.set(id, { state: 'ON' })).status === 200);
    assert.equal(bulb.state.on, true);
  }).timeout(150_000);

  it('that cannot be read is left alone, and taken over when a person gives it up unsaved', async () => {
    owner = await ZigbeeHouse.open();
    await owner.pair(TYPES.bulb, owner.radio.add(new ColourBulb()), { touchlink: false });
    const { radio } = owner;
    const before = radio.network;
    await owner.daemon.stop();
    radio.coordinator.store.nv.deleteItem(NvItem.apsLinkKeyTable);

    taker = await ZigbeeHouse.open({ installed: false });
    await taker.install({ port: radio.url });
    await taker.until('degraded', 'foreignNetwork');
    const { error } = await taker.action('takeOverStick');
    assert.equal(error?.code, 'foreignNetwork', JSON.stringify(error));
    assert.match(
      error?.message ?? '',
      /could not be saved \(its memory does not hold all .*nothing was changed/,
    );
    assert.match(error?.hint ?? '', /"unsaved": true/);
    // the attempts go on, and none of them takes it
    await taker.until('degraded', 'foreignNetwork: the stick belongs to another network (PAN');
    assert.deepEqual(radio.network, before);

    const { response } = await taker.action('takeOverStick', { unsaved: true });
    assert.deepEqual(response, {
      state: 'done',
      saved: null,
      reason:
        'the network that the stick held could not be saved: its memory does not hold all that belongs to a network',
    });
    await taker.until('running', undefined, 40_000);
    assert.notEqual(radio.network?.panId, before?.panId);
    assert.deepEqual(savedFiles(), []);
  }).timeout(120_000);

  it('with EmberZNet is taken over with what it held saved, which another stick goes on with', async () => {
    const stick = await EmberStick.start();
    let fresh: EmberStick | undefined;
    try {
      owner = await ZigbeeHouse.open({ installed: false });
      await owner.install({ port: stick.url, adapter: 'ember', channel: 20 });
      await owner.until('running', undefined, 40_000);
      const before = stick.memory.network;
      await owner.daemon.stop();

      taker = await ZigbeeHouse.open({ installed: false });
      await taker.install({ port: stick.url, adapter: 'ember' });
      const path = await takeOver(0);
      assert.notEqual(stick.memory.network?.panId, before?.panId);
      assert.deepEqual(stick.unknownCommands, []);
      await assertUntold(before?.networkKey);
      await taker.daemon.stop();

      await stick.unplug();
      fresh = await EmberStick.start({ port: stick.port, ieee: '0x0c4314fffeaabbcc' });
      await putBack(path);
      assert.deepEqual({ ...fresh.memory.network, frameCounter: 0 }, { ...before, frameCounter: 0 });
    } finally {
      await fresh?.unplug();
      await stick.unplug();
    }
  }).timeout(150_000);
}).timeout(90_000);
