import assert from 'node:assert/strict';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { Status } from '../../simulators/zigbee/mt/numbers.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { until } from '../../support/until.ts';
import { storedNetwork, ZigbeeHost } from './support/zigbee-host.ts';

const NOW = { disableRecovery: true } as const;

describe('simulated Zigbee devices that fail, with zigbee-herdsman as their host', function () {
  this.timeout(25_000);
  let radio: SimulatedRadio;
  let host: ZigbeeHost;

  before(async () => {
    radio = await SimulatedRadio.start({ network: storedNetwork(), capacity: 30 });
    host = new ZigbeeHost();
    await host.start(radio.url);
    await host.controller.permitJoin(254);
  });

  after(async () => {
    await host.remove();
    await radio.stop();
  });

  afterEach(() => host.forget());

  it('break at each step of the interview', async () => {
    const steps = ['nodeDescriptor', 'activeEndpoints', 'simpleDescriptor', 'simpleDescriptor:1'] as const;
    const refusing = steps.map((step) => {
      const device = radio.add(new ColourBulb());
      device.faults.set(step, 'refuse');
      assert.equal(device.join(), 'joined');
      return device;
    });
    const mute = radio.add(new ColourBulb());
    mute.faults.set('simpleDescriptor');
    mute.join();
    const leaving = radio.add(new ColourBulb());
    leaving.faults.set('basicRead', 'leave');
    leaving.join();
    for (const device of refusing) await host.event(`deviceInterview failed ${device.ieee}`);
    await host.event(`deviceLeave ${leaving.ieee}`);
    await host.event(`deviceInterview failed ${mute.ieee}`, 20_000);
    mute.faults.mend();
    mute.leave();
    await host.pair(mute);
  });

  it('refuse to be bound and to report', async () => {
    const sensor = radio.add(new TemperatureSensor());
    await host.pair(sensor);
    sensor.faults.set('bind', 'refuse', 1);
    await assert.rejects(host.endpoint(sensor).bind('msRelativeHumidity', coordinator()), /TABLE_FULL/);
    sensor.faults.set('configureReporting', 'refuse', 1);
    const items = [
      {
        attribute: 'measuredValue',
        minimumReportInterval: 0,
        maximumReportInterval: 60,
        reportableChange: 1,
      },
    ] as const;
    const configured = host.endpoint(sensor).configureReporting('msTemperatureMeasurement', [...items]);
    await assert.rejects(configured, /UNSUPPORTED_ATTRIBUTE/);
    await host.endpoint(sensor).configureReporting('msTemperatureMeasurement', [...items]);
  });

  it('are of a model that nobody knows', async () => {
    const sensor = radio.add(new TemperatureSensor({ model: 'XYZ-1', manufacturer: 'Nobody' }));
    const known = await host.pair(sensor);
    assert.equal(known.modelID, 'XYZ-1');
    await assert.rejects(host.configure(sensor), /no definition/);
  });

  it('are out of reach, each in its way', async () => {
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    const on = () => host.endpoint(bulb).command('genOnOff', 'on', {}, NOW);
    for (const name of ['macNoAck', 'networkNoRoute', 'macTransactionExpired', 'apsNoAck'] as const) {
      bulb.failureStatus = Status[name];
      await assert.rejects(on(), new RegExp(`0x${Status[name].toString(16)}`), name);
    }
    bulb.failureStatus = undefined;
    bulb.switchOff();
    await assert.rejects(on(), /MAC_NO_ACK/);
    bulb.switchOn();
    await on();
    radio.faults.refuse = { status: Status.networkTableFull, times: 1 };
    await assert.rejects(on(), /NWK_TABLE_FULL/);
    radio.faults.confirm = { status: Status.bufferFull, times: 1 };
    await assert.rejects(on(), /BUFFER_FULL/);
    await on();
  });

  it('are mute, and are asked again', async () => {
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    bulb.faults.set('read', 'mute', 1);
    const read = () => host.endpoint(bulb).read('genOnOff', ['onOff'], { timeout: 300, ...NOW });
    await assert.rejects(read(), /Timeout|after 300ms/i);
    assert.deepEqual(await read(), { onOff: 0 });
  });

  it('sleep, and answer when they poll, or too late', async () => {
    const sensor = radio.add(new TemperatureSensor({ pollMs: 400 }));
    await host.pair(sensor);
    const read = () =>
      host.endpoint(sensor).read('genBasic', ['zclVersion'], { sendPolicy: 'immediate', ...NOW });
    sensor.sleep();
    assert.ok(sensor.pollsInMs() > 0);
    assert.deepEqual(await read(), { zclVersion: 3 });
    sensor.pollMs = 1e9;
    sensor.sleep();
    await assert.rejects(read(), /MAC_TRANSACTION_EXPIRED/);
  });

  it('are refused where the network is full', () => {
    radio.coordinator.full = true;
    assert.equal(radio.add(new ColourBulb()).join(), 'networkFull');
    radio.coordinator.full = false;
    const outcomes = Array.from({ length: 31 }, () => radio.add(new ColourBulb()).join());
    assert.equal(outcomes.at(-1), 'networkFull', 'the tables take 30');
  });

  it('send what is no proper frame, and nobody minds', async () => {
    const [sensor] = [...radio.air.devices.values()].filter(
      (device) => device instanceof TemperatureSensor && device.joined,
    );
    assert.ok(sensor instanceof TemperatureSensor);
    const endpoint = sensor.endpoint(1);
    const wild = [
      '',
      '18',
      '1801',
      '18010a',
      '18010a0000',
      '18010a000029ff',
      '18010a000042ff41',
      '18010a0000ff',
      '1c34120a0a000021',
    ];
    for (const hex of wild)
      for (const cluster of [0x0000, 0x0402, 0xfc77, 0xffff])
        endpoint.sendRaw(cluster, Buffer.from(hex, 'hex'));
    // long enough to be fetched in pieces
    endpoint.sendRaw(0xfc77, Buffer.alloc(600, 0x42));
    radio.writeRaw(Buffer.from('fe05448100', 'hex'));
    radio.writeRaw(Buffer.from('00fffe00', 'hex'));
    radio.writeRaw(Buffer.alloc(300, 0x55));
    sensor.report({ temperature: 12.34 });
    sensor.report({ temperature: 12.35 });
    await host.message(sensor, { measuredValue: 1_235 });
    const raw = () =>
      host.heard.some(({ type, data }) => type === 'raw' && (data as unknown as Buffer).length === 600);
    await until('the long frame', raw);
  });

  function coordinator() {
    const endpoint = host.controller.getDevicesByType('Coordinator')[0]?.getEndpoint(1);
    assert.ok(endpoint);
    return endpoint;
  }
});
