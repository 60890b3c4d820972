import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { encodeUnpi, SREQ, UnpiParser } from '../../simulators/zigbee/mt/unpi.ts';
import { populate, writeDatabase } from '../../simulators/zigbee/population.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { NETWORK, storedNetwork, ZigbeeHost } from './support/zigbee-host.ts';

describe('a simulated Zigbee stick, with zigbee-herdsman as its host', function () {
  this.timeout(30_000);
  const radios: SimulatedRadio[] = [];
  let host: ZigbeeHost;

  beforeEach(() => {
    host = new ZigbeeHost();
  });

  afterEach(async () => {
    await host.remove();
    for (const radio of radios.splice(0)) await radio.stop();
  });

  async function plug(options: Parameters<typeof SimulatedRadio.start>[0] = {}): Promise<SimulatedRadio> {
    const radio = await SimulatedRadio.start(options);
    radios.push(radio);
    return radio;
  }

  it('forms a network, keeps it over a restart, and a backup moves it to another stick', async () => {
    const folder = tempFolder();
    const nvFile = join(folder.path, 'stick.json');
    const first = await plug({ nvFile });
    assert.equal(await host.start(first.url), 'reset', 'a new stick');
    assert.equal(first.network?.panId, NETWORK.panId);
    assert.deepEqual([...(first.network?.networkKey ?? [])], NETWORK.networkKey);
    const bulb = first.add(new ColourBulb());
    await host.pair(bulb);
    const backup = () => (existsSync(host.backupFile) ? readFileSync(host.backupFile, 'utf8') : '');
    await host.stop();
    assert.ok(backup().includes(bulb.ieee.slice(2)), 'the backup has the device');
    await first.unplug();

    const again = await plug({ nvFile, air: first.air });
    again.add(bulb);
    assert.equal(await host.start(again.url), 'resumed');
    await host.endpoint(bulb).command('genOnOff', 'on', {});
    assert.equal(bulb.state.on, true);
    await host.stop();
    await again.unplug();

    const other = await plug({ air: first.air, ieee: '0x00124b00ffffffff' });
    other.add(bulb);
    assert.equal(await host.start(other.url), 'restored');
    assert.equal(other.coordinator.ieee, again.coordinator.ieee);
    await host.endpoint(bulb).command('genOnOff', 'off', {});
    assert.equal(bulb.state.on, false);
    // the link key came along too: the device may even ask for the network key again
    assert.equal(bulb.rejoin({ secured: false }), 'joined');
    folder.remove();
  });

  it('with another network it is deaf to the devices', async () => {
    const mine = await plug({ network: storedNetwork() });
    const bulb = mine.addJoined(new ColourBulb(), 0x1234);
    const stranger = await plug({
      network: { ...storedNetwork(), networkKey: Buffer.alloc(16, 9) },
      air: mine.air,
    });
    writeDatabase(host.databaseFile, mine);
    await host.start(stranger.url, { networkKey: Array(16).fill(9) });
    const command = host.endpoint(bulb).command('genOnOff', 'on', {}, { disableRecovery: true });
    await assert.rejects(command, /MAC_NO_ACK/);
    assert.equal(bulb.state.on, false);
  });

  it('tells of a PAN id that is taken', async () => {
    const radio = await plug();
    radio.coordinator.foreignPanIds.add(NETWORK.panId);
    await assert.rejects(host.start(radio.url), /panId collision/);
  });

  it('moves its devices to the channel that is configured', async () => {
    const radio = await plug({ network: storedNetwork() });
    const bulb = radio.addJoined(new ColourBulb(), 0x1234);
    radio.strayTo(20);
    assert.equal(bulb.hears(radio.network), false);
    radio.strayTo(NETWORK.channel);
    writeDatabase(host.databaseFile, radio);
    // herdsman waits 12 s after it has told everybody
    assert.equal(await host.start(radio.url, { channel: 25 }), 'resumed');
    assert.equal(radio.network?.channel, 25);
    assert.equal(bulb.membership?.network.channel, 25);
    await host.endpoint(bulb).command('genOnOff', 'on', {});
  });

  it('is pulled out and comes back', async () => {
    const radio = await plug({ network: storedNetwork() });
    const sensor = radio.addJoined(new TemperatureSensor(), 0x1234);
    writeDatabase(host.databaseFile, radio);
    await host.start(radio.url);
    await radio.unplug();
    await host.event('adapterDisconnected');
    sensor.report({ temperature: 30 });
    await host.stop();
    await assert.rejects(host.start(radio.url), /ECONNREFUSED/);
    await host.stop().catch(() => undefined);
    await radio.replug();
    assert.equal(await host.start(radio.url), 'resumed');
    sensor.report({ temperature: 31 });
    await host.message(sensor, { measuredValue: 3_100 });
    assert.ok(!host.heard.some(({ data }) => data['measuredValue'] === 3_000), 'what nobody heard is lost');
    host.forget();
    radio.dropConnection();
    await host.event('adapterDisconnected');
  });

  it('says what firmware it runs', async () => {
    const radio = await plug({ network: storedNetwork(), firmware: 'old' });
    await host.start(radio.url);
    const { meta } = await host.controller.getCoordinatorVersion();
    assert.equal(meta['revision'], 20200417);
  });

  it('forms a network with the old Z-Stack 1.2, too', async () => {
    const radio = await plug({ firmware: 'home12', capacity: 20 });
    assert.equal(await host.start(radio.url), 'restored', 'as herdsman calls it');
    assert.equal(radio.network?.panId, NETWORK.panId);
    assert.deepEqual([...(radio.network?.networkKey ?? [])], NETWORK.networkKey);
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    await host.stop();
    assert.equal(await host.start(radio.url), 'resumed');
    await host.endpoint(bulb).command('genOnOff', 'on', {});
  });

  it('answers what it does not know with an error, passes over what is no frame, and hangs when told to', async () => {
    const radio = await plug();
    const socket = connect(radio.port, '127.0.0.1');
    const parser = new UnpiParser();
    const answers: string[] = [];
    socket.on('data', (chunk) => {
      for (const { subsystem, command, data } of parser.push(chunk))
        answers.push(`${subsystem}/${command}/${data.toString('hex')}`);
    });
    const ping = encodeUnpi(SREQ, 1, 1, Buffer.alloc(0));
    const broken = Buffer.from(ping);
    broken[broken.length - 1] = 0;
    socket.write(Buffer.concat([Buffer.from('noise'), broken, ping]));
    await until('its answer', () => answers.length === 1);
    socket.write(encodeUnpi(SREQ, 1, 0x7f, Buffer.alloc(0)));
    // an NV read that is cut short
    socket.write(encodeUnpi(SREQ, 1, 0x1c, Buffer.from([1])));
    await until('two more', () => answers.length === 3);
    assert.deepEqual(answers, ['1/1/5906', '0/0/02217f', '1/28/02']);
    radio.mute();
    socket.write(ping);
    radio.writeRaw(Buffer.from([1, 2, 3]));
    await until('the stick has read it', () => radio.framesReceived === 4);
    radio.unmute();
    socket.write(encodeUnpi(SREQ, 1, 0x13, Buffer.from([0x21, 0])));
    await until('its answer', () => answers.length >= 4);
    assert.equal(answers[3]?.split('/')[1], '19', 'the ping that came while it hung was never answered');
    socket.destroy();
  });

  it('stands for a large network that nobody has to interview, and for a flood of reports', async () => {
    const radio = await plug({ network: storedNetwork(), capacity: 1_000 });
    const devices = populate(radio, { count: 1_000 });
    writeDatabase(host.databaseFile, radio);
    assert.equal(await host.start(radio.url), 'resumed');
    assert.equal(host.controller.getDevices().length, 1_001);
    const sensors = devices.filter((device) => device instanceof TemperatureSensor);
    for (let round = 0; round < 5; round += 1)
      for (const sensor of sensors) sensor.report({ temperature: round });
    await until('every report', () => host.heard.length === sensors.length * 5, 20_000);
    const bulb = devices.find((device) => device instanceof ColourBulb);
    assert.ok(bulb);
    await host.endpoint(bulb).command('genOnOff', 'on', {});
    assert.equal(bulb.state.on, true);
  });
});
