/** Groups, scenes, bindings, reporting, firmware, availability. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { MeteringPlug } from '../../simulators/zigbee/devices/metering-plug.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { otaImage } from '../../simulators/zigbee/ota-image.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

describe('a Zigbee network', () => {
  let house: ZigbeeHouse;
  let lamps: { id: string; bulb: ColourBulb }[];
  before(async () => {
    house = await ZigbeeHouse.open({ parameters: { pingSeconds: 10, silentHours: 0.002 } });
    lamps = [];
    for (let count = 0; count < 2; count += 1) {
      const bulb = house.radio.add(new ColourBulb());
      const { id, status } = await house.pair(TYPES.bulb, bulb, { touchlink: false });
      assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
      lamps.push({ id, bulb });
    }
  });
  after(() => house.close());
  const lamp = (index: number) => lamps[index] as { id: string; bulb: ColourBulb };

  it('tells a group the same by one frame, and recalls a scene', async () => {
    assert.deepEqual((await house.action('createGroup', { name: 'kitchen' })).response, { group: 1 });
    for (const { id } of lamps) await house.action('addToGroup', { group: 1, deviceId: id });
    const told = await house.action('setGroup', { group: 1, values: { state: 'ON', brightness: 77 } });
    assert.equal(told.error, undefined, JSON.stringify(told.error));
    await until('both shine', () => lamps.every(({ bulb }) => bulb.state.on && bulb.state.level === 77));
    for (const { id } of lamps) await house.reading(id, { brightness: 77 });

    assert.equal((await house.action('storeScene', { group: 1, scene: 4, name: 'dinner' })).error, undefined);
    await house.action('setGroup', { group: 1, values: { brightness: 200 } });
    await until('both are brighter', () => lamps.every(({ bulb }) => bulb.state.level === 200));
    assert.equal((await house.action('recallScene', { group: 1, scene: 4 })).error, undefined);
    await until('both are as they were', () => lamps.every(({ bulb }) => bulb.state.level === 77));

    const refused = await house.action('setGroup', { group: 1, values: { brightness: 999 } });
    assert.match(refused.error?.message ?? '', /"brightness" must be from 0 to 254/);
    const { response } = await house.action('describeNetwork');
    const groups = (response?.['groups'] ?? []) as { name: string; members: { deviceId: string }[] }[];
    const [group] = groups;
    assert.deepEqual(
      [group?.name, group?.members.map(({ deviceId }) => deviceId)],
      ['kitchen', lamps.map(({ id }) => id)],
    );
    assert.deepEqual((await house.action('removeGroup', { group: 1 })).response, { group: 1 });
  });

  it('is told the same through a bridge device', async () => {
    const id = await house.create(TYPES.bridge);
    await house.startPairing(id);
    assert.equal((await house.pairingEnd(id)).status.eventType, 'paired');
    assert.equal((await house.set(id, { createGroup: { group: 9 } })).status, 200);
    assert.equal((await house.set(id, { removeGroup: { group: 9 } })).status, 200);
    const { response } = await house.get(id);
    assert.equal(response?.['channel'], 15);
    assert.equal(
      JSON.stringify(response).includes(house.radio.network?.networkKey.toString('hex') ?? ''),
      false,
    );
    const wrong = await house.set(id, { explode: {} });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.hint ?? '', /createGroup/);
  });

  it('has its groups, scenes, bindings, reports, firmware and backup told through a bridge device', async () => {
    const bridge = await house.create(TYPES.bridge);
    await house.startPairing(bridge);
    assert.equal((await house.pairingEnd(bridge)).status.eventType, 'paired');
    const told = async (verb: string, params: object) => {
      const { status, body } = await house.set(bridge, { [verb]: params });
      assert.equal(status, 200, `${verb}: ${JSON.stringify(body)}`);
    };
    const group = 21;
    await told('createGroup', { group, name: 'hall' });
    for (const { id } of lamps) await told('addToGroup', { group, deviceId: id });
    await told('setGroup', { group, values: { state: 'ON', brightness: 33 } });
    await until('both shine', () => lamps.every(({ bulb }) => bulb.state.on && bulb.state.level === 33));
    await told('storeScene', { group, scene: 7, name: 'night' });
    await told('setGroup', { group, values: { brightness: 222 } });
    await until('both are brighter', () => lamps.every(({ bulb }) => bulb.state.level === 222));
    await told('recallScene', { group, scene: 7 });
    await until('both are as they were', () => lamps.every(({ bulb }) => bulb.state.level === 33));

    // one that is out of the group is told no more, and a scene that was removed changes nothing
    await told('removeFromGroup', { group, deviceId: lamp(1).id });
    await told('setGroup', { group, values: { brightness: 99 } });
    await until('the first one follows', () => lamp(0).bulb.state.level === 99);
    assert.equal(lamp(1).bulb.state.level, 33);
    await told('removeScene', { group, scene: 7 });
    await house.set(bridge, { recallScene: { group, scene: 7 } });
    assert.equal((await house.set(lamp(0).id, { state: 'ON' })).status, 200);
    assert.equal(lamp(0).bulb.state.level, 99);

    const plug = house.radio.add(new MeteringPlug());
    const { id: deviceId } = await house.pair(TYPES.plug, plug);
    const toGroup = () =>
      plug.endpoint(1).bindings.filter((each) => JSON.stringify(each).includes(`${group}`));
    await told('bind', { deviceId, clusters: ['genOnOff'], toGroup: group });
    assert.equal(toGroup().length, 1, JSON.stringify(plug.endpoint(1).bindings));
    await told('unbind', { deviceId, clusters: ['genOnOff'], toGroup: group });
    assert.equal(toGroup().length, 0);
    const reports = { deviceId, cluster: 'genOnOff', attribute: 'onOff', minSeconds: 0, maxSeconds: 600 };
    await told('configureReporting', reports);

    const folder = join(house.dataFolder, 'firmware');
    mkdirSync(folder, { recursive: true });
    const fileVersion = 0x0400_0000;
    const image = otaImage({ manufacturerCode: 0x1166, imageType: 0x0120, fileVersion, bytes: 300 });
    writeFileSync(join(folder, 'plug-4.ota'), image);
    await told('updateFirmware', { deviceId, file: 'plug-4.ota' });
    await until('the new firmware runs', () => plug.softwareBuild === '4.0.0', 60_000);

    const backup = join(house.dataFolder, 'coordinator-backup.json');
    rmSync(backup, { force: true });
    await told('createBackup', {});
    assert.equal(statSync(backup).mode & 0o777, 0o600);
    await told('removeGroup', { group });
    const refused = await house.set(bridge, { setGroup: { group, values: { state: 'ON' } } });
    assert.match(refused.body.hint ?? '', /createGroup/);
  }).timeout(120_000);

  it('sends a device away that joined and is nobody’s, and none that is somebody’s', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    const { status } = await house.pair(TYPES.plug, sensor);
    assert.equal(status.reason?.code, 'wrongModel', JSON.stringify(status));
    assert.equal(sensor.joined, true);
    const sent = await house.action('sendAway', { ieeeAddress: sensor.ieee });
    assert.deepEqual(sent.response, { left: true }, JSON.stringify(sent.error));
    await until('it has left', () => !sensor.joined);
    const refused = await house.action('sendAway', { ieeeAddress: lamp(0).bulb.ieee });
    assert.match(refused.error?.hint ?? '', /delete the device/);
    assert.equal(lamp(0).bulb.joined, true);
  });

  it('binds devices to each other, and says what they report', async () => {
    const plug = house.radio.add(new MeteringPlug());
    const { id } = await house.pair(TYPES.plug, plug);
    const bound = await house.action('bind', {
      deviceId: id,
      clusters: ['genOnOff'],
      toDeviceId: lamp(0).id,
    });
    assert.deepEqual(bound.response?.['clusters'], ['genOnOff'], JSON.stringify(bound.error));
    const targets = plug.endpoint(1).bindings.filter(({ clusterId }) => clusterId === 6);
    assert.ok(JSON.stringify(targets).includes(lamp(0).bulb.ieee));
    assert.equal(
      (await house.action('unbind', { deviceId: id, clusters: ['genOnOff'], toDeviceId: lamp(0).id })).error,
      undefined,
    );
    const reporting = {
      deviceId: id,
      cluster: 'genOnOff',
      attribute: 'onOff',
      minSeconds: 0,
      maxSeconds: 300,
    };
    assert.equal((await house.action('configureReporting', reporting)).response?.['maxSeconds'], 300);
    const missing = await house.action('configureReporting', { ...reporting, cluster: 'hvacThermostat' });
    assert.match(missing.error?.hint ?? '', /genOnOff/);
  });

  it('updates the firmware of a device from a file on this box', async () => {
    const plug = house.radio.add(new MeteringPlug());
    const { id } = await house.pair(TYPES.plug, plug);
    const folder = join(house.dataFolder, 'firmware');
    mkdirSync(folder, { recursive: true });
    const file = otaImage({
      manufacturerCode: 0x1166,
      imageType: 0x0120,
      fileVersion: 0x0200_0000,
      bytes: 500,
    });
    writeFileSync(join(folder, 'plug-2.ota'), file);
    for (const name of ['../plug-2.ota', '/etc/passwd', 'none.ota']) {
      assert.notEqual(
        (await house.action('updateFirmware', { deviceId: id, file: name })).error,
        undefined,
        name,
      );
    }
    const begun = await house.action('updateFirmware', { deviceId: id, file: 'plug-2.ota' });
    assert.equal(begun.error, undefined, JSON.stringify(begun.error));
    await until('the new firmware runs', () => plug.softwareBuild === '2.0.0', 60_000);
    await house.reading(id, {
      update: { state: 'idle', installed_version: 0x0200_0000 },
    });
    const entry = {
      url: 'plug-2.ota',
      imageType: 0x0120,
      manufacturerCode: 0x1166,
      fileVersion: 0x0200_0000,
    };
    writeFileSync(join(folder, 'index.json'), JSON.stringify([entry]));
    const { response } = await house.action('checkFirmware', { deviceId: id });
    assert.deepEqual(response, {
      available: false,
      installedVersion: 0x0200_0000,
      latestVersion: 0x0200_0000,
    });
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify([{ ...entry, url: 'https://example.com/f.ota' }]),
    );
    assert.match(
      (await house.action('checkFirmware', { deviceId: id })).error?.message ?? '',
      /name of a file here/,
    );
  }).timeout(120_000);

  it('updates the firmware of a device that asks for it by page, the last one past its end', async () => {
    const plug = house.radio.add(new MeteringPlug());
    plug.ota.pageBytes = 200;
    const { id } = await house.pair(TYPES.plug, plug);
    const folder = join(house.dataFolder, 'firmware');
    mkdirSync(folder, { recursive: true });
    const file = otaImage({
      manufacturerCode: 0x1166,
      imageType: 0x0120,
      fileVersion: 0x0300_0000,
      bytes: 500,
    });
    writeFileSync(join(folder, 'plug-3.ota'), file);
    const begun = await house.action('updateFirmware', { deviceId: id, file: 'plug-3.ota' });
    assert.equal(begun.error, undefined, JSON.stringify(begun.error));
    await until('the new firmware runs', () => plug.softwareBuild === '3.0.0', 60_000);
    assert.equal(plug.ota.pagesAsked, Math.ceil(file.length / 200));
    await house.reading(id, { update: { state: 'idle', installed_version: 0x0300_0000 } });
    // what it is told next is not held up by blocks that nobody asks for any more
    assert.equal((await house.set(id, { state: 'ON' })).status, 200);
    const { blocksReceived } = plug.ota;
    await pause(1_000);
    assert.equal(plug.ota.blocksReceived, blocksReceived);
  }).timeout(120_000);

  it('misses devices that are gone, each as its kind allows, and finds them again', async () => {
    const { id, bulb } = lamp(1);
    bulb.switchOff();
    const view = await until(
      'it is missed',
      async () => {
        const now = await house.device(id);
        return now.availability?.online === false && now;
      },
      120_000,
    );
    assert.match(view.availability?.reason ?? '', /does not answer/);
    const refused = await house.set(id, { state: 'ON' });
    assert.deepEqual([refused.status, refused.body.code], [503, 'deviceRefused']);
    assert.match(refused.body.message, /does not answer/);
    bulb.switchOn();
    await until('it is back', async () => (await house.device(id)).availability?.online === true);

    const sensor = house.radio.add(new TemperatureSensor());
    const paired = await house.pair(TYPES.thermometer, sensor);
    await until(
      'the sleeper is missed',
      async () => (await house.device(paired.id)).availability?.online === false,
    );
    sensor.report({ temperature: 20 });
    await until(
      'the sleeper is back',
      async () => (await house.device(paired.id)).availability?.online === true,
    );
  }).timeout(150_000);

  it('forces a device out that does not answer, and says so to whoever deleted it and in a notification', async () => {
    const [sensor, bulb] = [house.radio.add(new TemperatureSensor()), house.radio.add(new ColourBulb())];
    const { id } = await house.pair(TYPES.thermometer, sensor);
    const leaving = await house.pair(TYPES.bulb, bulb, { touchlink: false });
    sensor.switchOff();
    const answer = await house.api.send<{ forcedOut?: string }>('DELETE', `/device/v1/devices/${id}`);
    assert.match(answer.forcedOut ?? '', /did not confirm that it leaves.*reset it before it is paired/);
    assert.deepEqual(await house.api.send('DELETE', `/device/v1/devices/${leaving.id}`), {});
    await until('it has left', () => !bulb.joined);
    const { fact } = await until('the notification', () =>
      house.heard.find(
        ({ event, fact: told }) => event === 'notification' && told['subject'] === 'device_forced_out',
      ),
    );
    assert.match(String(fact['message']), /was deleted, but did not leave its network by itself: it did not/);
    assert.deepEqual(fact['metaAttrsFilter'], { level: 3, shouldPersist: true, deviceId: id });
    const { response } = await house.action('describeNetwork');
    assert.equal(JSON.stringify(response).includes(sensor.ieee), false);
  });

  it('takes a door sensor’s alarms', async () => {
    const door = house.radio.add(new ContactSensor());
    const { id, status } = await house.pair(TYPES.contact, door);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    door.move(true);
    await house.reading(id, { contact: false });
    door.move(false);
    await house.reading(id, { contact: true });
  });

  it('takes a frame that came twice for one', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    const { id } = await house.pair(TYPES.thermometer, sensor);
    const before = (await house.readings(id)).length;
    const report = Buffer.from([0x18, 0x77, 0x0a, 0, 0, 0x29, 0x98, 0x08]);
    for (let count = 0; count < 3; count += 1) sensor.endpoint(1).sendRaw(0x0402, report);
    sensor.report({ humidity: 41 });
    await house.reading(id, { humidity: 41 });
    const temperatures = (await house.readings(id))
      .slice(0, -before || undefined)
      .filter(({ temperature }) => temperature === 22);
    assert.equal(temperatures.length, 1);
  });
}).timeout(60_000);
