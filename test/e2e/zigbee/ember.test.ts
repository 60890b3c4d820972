/** An EmberZNet stick: what is looked at before the library is let at it, what the library then does, and what goes wrong. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { EmberStick } from '../../simulators/zigbee/ember/ember-stick.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { until } from '../../support/until.ts';
import { ZigbeeHouse } from './zigbee-house.ts';

describe('an EmberZNet stick', () => {
  let house: ZigbeeHouse<EmberStick>;
  let stick: EmberStick;
  beforeEach(async () => {
    stick = await EmberStick.start();
    house = await ZigbeeHouse.openOn(stick, { installed: false });
  });
  afterEach(async () => {
    await house.close();
  });

  const install = () => house.install({ channel: 20 });

  it('is given a network of this box’s own, which goes on after a restart and after it was pulled out', async () => {
    await install();
    await house.until('running', undefined, 40_000);
    const made = stick.memory.network;
    assert.equal(made?.channel, 20);
    assert.notEqual(made?.networkKey.toString('hex'), '01030507090b0d0f00020406080a0c0d');
    await house.restart();
    await house.until('running', undefined, 40_000);
    await stick.unplug();
    await house.until('degraded');
    await stick.replug();
    await house.until('running', undefined, 40_000);
    assert.equal(stick.memory.network, made);
    assert.deepEqual(stick.unknownCommands, []);
  }).timeout(120_000);

  it('is never overwritten when it belongs to another network, and its own one works as soon as it is back', async () => {
    await install();
    await house.until('running', undefined, 40_000);
    const made = stick.memory.network;
    await stick.unplug();
    const foreign = {
      extendedPanId: randomBytes(8),
      panId: 0x1a62,
      channel: 11,
      networkKey: randomBytes(16),
      linkKey: randomBytes(16),
      frameCounter: 5,
    };
    const other = await EmberStick.start({ port: stick.port });
    other.memory.network = foreign;
    try {
      const { reason } = await house.until('degraded', 'foreignNetwork', 40_000);
      assert.match(reason ?? '', /PAN 0x1a62 on channel 11/);
      assert.equal(other.memory.network, foreign);
    } finally {
      await other.unplug();
    }
    await stick.replug();
    await house.until('running', undefined, 40_000);
    assert.equal(stick.memory.network, made);

    await stick.unplug();
    await other.replug();
    try {
      await house.until('degraded', 'foreignNetwork', 40_000);
      assert.equal((await house.action('takeOverStick')).response?.['state'], 'done');
      await house.until('running', undefined, 40_000);
      assert.equal(other.memory.network.panId, made?.panId);
      assert.deepEqual(other.memory.network.networkKey, made?.networkKey);
    } finally {
      await other.unplug();
    }
  }).timeout(150_000);

  it('that is empty is given the network back from the backup', async () => {
    await install();
    await house.until('running', undefined, 40_000);
    assert.equal((await house.action('createBackup')).error, undefined);
    const backup = join(house.dataFolder, 'coordinator-backup.json');
    assert.equal(statSync(backup).mode & 0o777, 0o600);
    const made = stick.memory.network;
    await stick.unplug();
    await house.until('degraded');
    const fresh = await EmberStick.start({ port: stick.port, ieee: '0x0c4314fffeaabbcc' });
    try {
      await house.until('running', undefined, 40_000);
      const { networkKey, linkKey, panId, extendedPanId, channel } = fresh.memory.network ?? {};
      assert.deepEqual(
        { networkKey, linkKey, panId, extendedPanId, channel },
        {
          networkKey: made?.networkKey,
          linkKey: made?.linkKey,
          panId: made?.panId,
          extendedPanId: made?.extendedPanId,
          channel: 20,
        },
      );
      await until('it is said', () => /the network was restored to the stick/.test(house.log()));
      assert.deepEqual(fresh.unknownCommands, []);
    } finally {
      await fresh.unplug();
    }
  }).timeout(120_000);

  it('that hangs is told of as mute, and taken up again', async () => {
    await install();
    await house.until('running', undefined, 40_000);
    stick.mute();
    await house.until('degraded', 'stickMute', 60_000);
    stick.unmute();
    await house.until('running', undefined, 40_000);
  }).timeout(150_000);

  it('that strayed to another channel works there, and says so', async () => {
    await install();
    await house.until('running', undefined, 40_000);
    const { network } = stick.memory;
    await house.daemon.stop();
    if (network) network.channel = 25;
    await house.restart();
    const { reason } = await house.until('degraded', 'wrongChannel', 40_000);
    assert.match(reason ?? '', /works on channel 25, and is wanted on 20/);
    assert.equal(stick.memory.network?.channel, 25);
    const moved = await house.action('changeChannel', { channel: 20 });
    assert.deepEqual(moved.response, { channel: 20, state: 'done' }, JSON.stringify(moved.error));
    assert.equal(stick.memory.network?.channel, 20);
    await house.until('running', undefined, 40_000);
  }).timeout(120_000);

  it('is asked for in the settings where a Z-Stack one is, and the other way round: each is named', async () => {
    const radio = await SimulatedRadio.start();
    try {
      await house.install({ port: radio.url, adapter: 'ember' });
      const { reason } = await house.until('degraded', 'wrongAdapter', 40_000);
      assert.match(reason ?? '', /speaks Z-Stack.*"adapter": "zstack"/);
    } finally {
      await radio.stop();
    }
  });
}).timeout(90_000);
