import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AqaraButton } from '../../simulators/zigbee/devices/aqara-button.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { MeteringPlug } from '../../simulators/zigbee/devices/metering-plug.ts';
import { Remote } from '../../simulators/zigbee/devices/remote.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { Thermostat } from '../../simulators/zigbee/devices/thermostat.ts';
import { TuyaSwitch } from '../../simulators/zigbee/devices/tuya-switch.ts';
import { EmberStick } from '../../simulators/zigbee/ember/ember-stick.ts';
import { hashInstallCode, withCrc } from '../../simulators/zigbee/install-code.ts';
import { otaImage } from '../../simulators/zigbee/ota-image.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import type { SimulatedStick } from '../../simulators/zigbee/stick.ts';
import { until } from '../../support/until.ts';
import { NETWORK, storedEmberNetwork, storedNetwork, ZigbeeHost } from './support/zigbee-host.ts';

const OPTIONS = { optionsMask: 0, optionsOverride: 0 };

describe('simulated Zigbee devices behind Z-Stack, with zigbee-herdsman as their host', () => {
  devicesBehind(() => SimulatedRadio.start({ network: storedNetwork() }));
}).timeout(20_000);

describe('simulated Zigbee devices behind EmberZNet, with zigbee-herdsman as their host', () => {
  devicesBehind(() => EmberStick.start({ network: storedEmberNetwork() }));
}).timeout(20_000);

function devicesBehind(start: () => Promise<SimulatedStick>): void {
  let radio: SimulatedStick;
  let host: ZigbeeHost;

  before(async () => {
    radio = await start();
    host = new ZigbeeHost();
    assert.equal(await host.start(radio.url, {}, radio.adapter), 'resumed');
  });

  after(async () => {
    const unknown = radio.unknownCommands;
    await host.remove();
    await radio.stop();
    assert.deepEqual(unknown, [], 'the stick knows every command of the host');
  });

  afterEach(() => host.forget());

  it('lets no device in that was not permitted to join', () => {
    assert.equal(radio.add(new ColourBulb()).join(), 'notPermitted');
  });

  it('measures temperature and humidity, and reports them as configured', async () => {
    const sensor = radio.add(new TemperatureSensor());
    await host.pair(sensor);
    assert.equal(await host.configure(sensor), 'SNZB-02');
    sensor.report({ temperature: 21.5, humidity: 40 });
    await host.message(sensor, { measuredValue: 2_150 });
    const endpoint = host.endpoint(sensor);
    const asked = { attribute: 'measuredValue', minimumReportInterval: 0, maximumReportInterval: 1 } as const;
    await endpoint.configureReporting('msTemperatureMeasurement', [{ ...asked, reportableChange: 50 }]);
    host.forget();
    sensor.measure({ temperature: 21.9 });
    sensor.measure({ temperature: 22.5 });
    await host.message(sensor, { measuredValue: 2_250 });
    assert.ok(
      !host.heard.some(({ data }) => data['measuredValue'] === 2_190),
      'a change below the delta is not reported',
    );
    host.forget();
    // and again when the longest interval has passed
    await host.message(sensor, { measuredValue: 2_250 });
    await endpoint.configureReporting('msTemperatureMeasurement', [
      { ...asked, maximumReportInterval: 0xffff, reportableChange: 50 },
    ]);
  });

  it('is a lamp: switched, dimmed, coloured, with transitions that take their time', async () => {
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    assert.equal(await host.configure(bulb), 'RB 285 C');
    const endpoint = host.endpoint(bulb);
    await endpoint.command('genOnOff', 'toggle', {});
    assert.equal(bulb.state.on, true);
    await endpoint.command('genLevelCtrl', 'moveToLevelWithOnOff', { level: 10, transtime: 10, ...OPTIONS });
    assert.ok(bulb.state.level > 10, 'the lamp is on its way');
    await until('the lamp is dimmed', () => bulb.state.level === 10);
    await endpoint.command('lightingColorCtrl', 'moveToColor', {
      colorx: 1_000,
      colory: 2_000,
      transtime: 0,
      ...OPTIONS,
    });
    assert.deepEqual([bulb.state.colour.x, bulb.state.colour.y], [1_000, 2_000]);
    await endpoint.command('lightingColorCtrl', 'moveToColorTemp', {
      colortemp: 300,
      transtime: 0,
      ...OPTIONS,
    });
    const { colorTemperature } = await endpoint.read('lightingColorCtrl', ['colorTemperature']);
    assert.equal(colorTemperature, 300);
    await assert.rejects(
      endpoint.write('genOnOff', { 21845: { value: 1, type: 32 } }),
      /UNSUPPORTED_ATTRIBUTE/,
    );
    await assert.rejects(endpoint.read('hvacThermostat', ['localTemp']), /UNSUPPORTED_CLUSTER/);
  });

  it('is in groups and scenes', async () => {
    const bulbs = [radio.add(new ColourBulb()), radio.add(new ColourBulb())] as const;
    for (const bulb of bulbs) await host.pair(bulb);
    const group = host.controller.createGroup(7);
    for (const bulb of bulbs) await host.endpoint(bulb).addToGroup(group);
    await group.command('genOnOff', 'on', {});
    await until('both are on', () => bulbs.every((bulb) => bulb.state.on));
    const [bulb] = bulbs;
    await host.endpoint(bulb).command('genScenes', 'store', { groupid: 7, sceneid: 3 });
    await host.endpoint(bulb).command('genOnOff', 'off', {});
    await host.endpoint(bulb).command('genScenes', 'recall', { groupid: 7, sceneid: 3 });
    assert.equal(bulb.state.on, true);
    await host.endpoint(bulb).removeFromGroup(group);
    await group.command('genOnOff', 'off', {});
    await until('the other is off', () => !bulbs[1].state.on);
    assert.equal(bulb.state.on, true);
  });

  it('is enrolled as an IAS zone before it tells of the door', async () => {
    const door = radio.add(new ContactSensor());
    door.move(true);
    await host.pair(door);
    assert.equal(door.enrolled, true);
    assert.equal(await host.configure(door), 'SNZB-04');
    door.move(false);
    await host.message(door, { zonestatus: 0 });
    door.move(true);
    assert.equal((await host.message(door, { zonestatus: 1 })).cluster, 'ssIasZone');
  });

  it('is a thermostat that sleeps, checks in and refuses what is out of range', async () => {
    const thermostat = radio.add(new Thermostat({ pollMs: 200 }));
    await host.pair(thermostat);
    assert.equal(await host.configure(thermostat), '1TST-EU');
    const endpoint = host.endpoint(thermostat, 3);
    await endpoint.write('hvacThermostat', { occupiedHeatingSetpoint: 2_250 }, { sendPolicy: 'immediate' });
    assert.equal(thermostat.state.setpoint, 22.5);
    assert.equal(thermostat.state.valve, 100);
    const tooHot = endpoint.write(
      'hvacThermostat',
      { occupiedHeatingSetpoint: 9_000 },
      { sendPolicy: 'immediate' },
    );
    await assert.rejects(tooHot, /INVALID_VALUE|out of range|max/i);
    thermostat.checkIn();
    await until('it checked in', () => host.heard.some(({ type }) => type === 'commandCheckin'));
    thermostat.report(20.25);
    await host.message(thermostat, { localTemp: 2_025 });
  });

  it('meters what flows through it', async () => {
    const plug = radio.add(new MeteringPlug());
    await host.pair(plug);
    assert.equal(await host.configure(plug), 'SP 120');
    await host.endpoint(plug).command('genOnOff', 'on', {});
    plug.report(46, 20.5);
    await host.message(plug, { activePower: 46 });
    await host.message(plug, { currentSummDelivered: 2_050 });
  });

  it("speaks its maker's dialect: Aqara's button, Tuya's data points", async () => {
    const button = radio.add(new AqaraButton());
    const wallSwitch = radio.add(new TuyaSwitch());
    await Promise.all([host.pair(button), host.pair(wallSwitch)]);
    assert.equal(await host.configure(button), 'WXKG11LM');
    assert.equal(await host.configure(wallSwitch), 'TS0601_switch_1_gang');
    button.press('double');
    await host.message(button, { presentValue: 2 });
    button.reportStatus(3_010);
    const status = await until('its status', () => host.heard.find(({ data }) => '65281' in data));
    assert.deepEqual((status.data['65281'] as Record<string, number>)['1'], 3_010);
    const request = { seq: 1, dpValues: [{ dp: 1, datatype: 1, data: Buffer.from([1]) }] };
    await host.endpoint(wallSwitch).command('manuSpecificTuya', 'dataRequest', request);
    assert.equal(wallSwitch.on, true);
    await until('its answer', () => host.heard.some(({ type }) => type === 'commandDataResponse'));
  });

  it('commands what it is bound to: the coordinator, a lamp', async () => {
    const remote = radio.add(new Remote());
    const bulb = radio.add(new ColourBulb());
    await Promise.all([host.pair(remote), host.pair(bulb)]);
    remote.press('on');
    await host.endpoint(remote).bind('genOnOff', host.endpoint(bulb));
    assert.equal(bulb.state.on, false, 'it was not bound to the lamp yet');
    remote.press('on');
    assert.equal(bulb.state.on, true);
    assert.ok(!host.heard.some(({ type }) => type === 'commandOn'));
    const coordinator = host.controller.getDevicesByType('Coordinator')[0]?.getEndpoint(1);
    assert.ok(coordinator);
    await host.endpoint(remote).bind('genOnOff', coordinator);
    assert.equal((await host.device(remote).bindingTable()).length, 2);
    remote.press('off');
    await until('the coordinator hears it', () => host.heard.some(({ type }) => type === 'commandOff'));
    await host.endpoint(remote).unbind('genOnOff', coordinator);
    assert.equal((await host.device(remote).bindingTable()).length, 1);
  });

  it('is updated over the air', async () => {
    const plug = radio.add(new MeteringPlug());
    const known = await host.pair(plug);
    // the end of the update is known by the next one
    await host.event(`deviceAnnounce ${plug.ieee}`);
    const file = join(host.folder.path, 'image.ota');
    const fileVersion = 0x0203_0004;
    writeFileSync(file, otaImage({ manufacturerCode: 0x1166, imageType: plug.ota.imageType, fileVersion }));
    const settings = { requestTimeout: 5_000, responseDelay: 0, baseSize: 50 };
    await known.updateOta({ url: file }, undefined, undefined, {}, () => undefined, settings);
    assert.equal(plug.ota.fileVersion, fileVersion);
    assert.equal(plug.softwareBuild, '2.3.4');
  });

  it('is reset by Touchlink, and joins anew', async () => {
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    for (const node of radio.air.devices.values()) {
      if (node instanceof ColourBulb) node.touchlinkNear = node === bulb;
    }
    host.forget();
    await host.controller.touchlink.factoryReset(bulb.ieee, NETWORK.channel);
    assert.ok(bulb.identifying > 0, 'it was told to blink');
    await host.event(`deviceAnnounce ${bulb.ieee}`);
  });

  it('joins with its install code only', async () => {
    const code = withCrc(Buffer.from('83fed3407a939723a5c639b26916d505', 'hex'));
    // the pair that the Base Device Behaviour specification gives
    assert.equal(code.subarray(16).toString('hex'), 'c3b5');
    assert.equal(hashInstallCode(code).toString('hex'), '66b6900981e1ee3ca4206b6b861c02bb');
    const sensor = radio.add(new TemperatureSensor({ ieee: '0x00158d00ffffff01', installCode: code }));
    await host.controller.permitJoin(254);
    assert.equal(sensor.join(), 'keyRefused');
    const ieee = sensor.ieee.slice(2);
    await host.controller.addInstallCode(`${ieee}|${code.toString('hex')}`);
    await host.pair(sensor);
  });

  it('comes back with another address, and is found again', async () => {
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    await host.event(`deviceAnnounce ${bulb.ieee}`);
    host.forget();
    const before = bulb.membership?.address;
    assert.equal(bulb.rejoin({ newAddress: true }), 'joined');
    assert.notEqual(bulb.membership?.address, before);
    await host.event(`deviceAnnounce ${bulb.ieee}`);
    await host.endpoint(bulb).command('genOnOff', 'on', {});
    assert.equal(bulb.state.on, true);
  });

  it('leaves when it is told to, and of its own will', async () => {
    const [told, free] = [radio.add(new ColourBulb()), radio.add(new TemperatureSensor())];
    await Promise.all([host.pair(told), host.pair(free)]);
    await host.device(told).removeFromNetwork();
    assert.equal(told.joined, false);
    free.leave();
    await host.event(`deviceLeave ${free.ieee}`);
    assert.equal(host.controller.getDeviceByIeeeAddr(free.ieee), undefined);
  });
}
