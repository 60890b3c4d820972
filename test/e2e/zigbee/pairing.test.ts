/** Pairings that do not go as wished: each ends with its reason and the next step. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ANY_DEVICE_TYPE } from '../../../addons/zigbee/src/type-id.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { MeteringPlug } from '../../simulators/zigbee/devices/metering-plug.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import type { Step } from '../../simulators/zigbee/faults.ts';
import { until } from '../../support/until.ts';
import { type DeviceView, TYPES, ZigbeeHouse } from './zigbee-house.ts';

/** What a person is told to do, for each reason. */
const NEXT_STEP: Record<string, RegExp> = {
  nothingJoined: /reset the device .* so that it looks for a network, bring it near, and pair it again/,
  interviewFailed: /keep it awake .* and near, and pair it again; it need not be reset/,
  wrongModel: /create a device of type [\da-f-]{36} with \{"ieeeAddress": "0x[\da-f]{16}"\} and pair it/,
  unsupportedModel:
    /create a device of the type Generic ZIGBEE-DEVICE with \{"ieeeAddress": "0x[\da-f]{16}"\}/,
  alreadyPaired: /use device "[\w-]+", or delete it first/,
  leftDuringPairing: /reset it once, wait, and pair it again/,
  configurationFailed: /keep it awake and near, and pair it again; it need not be reset/,
  bindingFailed: /pair it again, awake and near; if its binding table is full, reset it first/,
  badInstallCode: /give it as it is printed/,
};

describe('a Zigbee pairing', () => {
  let house: ZigbeeHouse;
  before(async () => {
    house = await ZigbeeHouse.open({ parameters: { interviewSeconds: 5 } });
  });
  after(() => house.close());

  const ended = (view: DeviceView, code: string) => {
    assert.equal(view.status.eventType, 'not_paired');
    assert.equal(view.status.reason?.code, code, JSON.stringify(view.status.reason));
    assert.match(view.status.reason?.hint ?? '', NEXT_STEP[code] as RegExp, code);
    return view.status.reason?.message ?? '';
  };
  const isOpen = () => until('joining is open', () => house.radio.coordinator.permitsJoining);

  it('says that nothing joined, and closes the network', async () => {
    const id = await house.create(TYPES.thermometer);
    await house.startPairing(id, { joinSeconds: 3 });
    await isOpen();
    assert.match(ended(await house.pairingEnd(id), 'nothingJoined'), /within 3 s/);
    await until('joining is closed', () => !house.radio.coordinator.permitsJoining);
  });

  for (const [step, words] of [
    ['nodeDescriptor', /node descriptor/],
    ['activeEndpoints', /active endpoints/],
    ['simpleDescriptor', /simple descriptor/],
    ['basicRead', /basic cluster/],
  ] as [Step, RegExp][]) {
    it(`names the step of the interview at which a device breaks: ${step}`, async () => {
      const sensor = house.radio.add(new TemperatureSensor({ pollMs: 0 }));
      sensor.faults.set(step, 'mute');
      const message = ended(await house.pair(TYPES.thermometer, sensor), 'interviewFailed');
      assert.match(message, words);
      house.radio.remove(sensor);
    });
  }

  it('names the enrolment of an alarm sensor that does not enrol', async () => {
    const sensor = house.radio.add(new ContactSensor({ pollMs: 0 }));
    sensor.faults.set('iasEnrol', 'mute');
    const message = ended(await house.pair(ANY_DEVICE_TYPE, sensor), 'interviewFailed');
    assert.match(message, /IAS zone/);
    house.radio.remove(sensor);
  });

  it('offers another model back with what it is, and takes it when it is asked for', async () => {
    const bulb = house.radio.add(new ColourBulb());
    const view = await house.pair(TYPES.thermometer, bulb);
    assert.match(ended(view, 'wrongModel'), /Innr RB 285 C .*not the SONOFF SNZB-02/);
    assert.match(view.status.reason?.hint ?? '', new RegExp(TYPES.bulb));
    const found = await house.api.send<object[]>('POST', '/device/v1/protocols/zigbee/scan');
    const offered = found.find((candidate) => JSON.stringify(candidate).includes(bulb.ieee));
    assert.deepEqual(offered, {
      label: 'Innr RB 285 C (E27 bulb RGBW), joined and not yet paired',
      type: TYPES.bulb,
      parameters: { ieeeAddress: bulb.ieee },
    });
    const id = await house.create(TYPES.bulb, { ieeeAddress: bulb.ieee });
    await house.startPairing(id);
    assert.equal((await house.pairingEnd(id)).status.eventType, 'paired');

    const other = await house.create(TYPES.bulb, { ieeeAddress: bulb.ieee });
    await house.startPairing(other);
    assert.match(ended(await house.pairingEnd(other), 'alreadyPaired'), new RegExp(`as device "${id}"`));
  });

  it('says so when a device that is paired already is what came', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    assert.equal((await house.pair(TYPES.thermometer, sensor)).status.eventType, 'paired');
    const id = await house.create(TYPES.thermometer);
    await house.startPairing(id, { joinSeconds: 4 });
    await isOpen();
    sensor.leave({ rejoin: true });
    sensor.join();
    assert.match(ended(await house.pairingEnd(id), 'alreadyPaired'), new RegExp(sensor.ieee));
  });

  it('says that a model is unknown', async () => {
    const sensor = house.radio.add(new TemperatureSensor({ model: 'NEVER-SEEN-1', manufacturer: 'Nobody' }));
    const view = await house.pair(TYPES.thermometer, sensor);
    assert.match(ended(view, 'unsupportedModel'), /"NEVER-SEEN-1" of "Nobody"/);
    const id = await house.create(ANY_DEVICE_TYPE, { ieeeAddress: sensor.ieee });
    await house.startPairing(id);
    assert.equal((await house.pairingEnd(id)).status.eventType, 'paired');
    sensor.report({ temperature: 19.5 });
    await house.reading(id, { temperature: 19.5 });
  });

  it('says that the device left', async () => {
    const sensor = house.radio.add(new TemperatureSensor({ pollMs: 0 }));
    sensor.faults.set('activeEndpoints', 'leave');
    assert.match(ended(await house.pair(TYPES.thermometer, sensor), 'leftDuringPairing'), /left/);
    house.radio.remove(sensor);
  });

  it('says that it could not be bound, and goes on without a reset at the next attempt', async () => {
    const plug = house.radio.add(new MeteringPlug());
    plug.faults.set('bind', 'refuse');
    const view = await house.pair(TYPES.plug, plug);
    ended(view, 'bindingFailed');
    plug.faults.mend();
    await house.startPairing(view.id);
    assert.equal((await house.pairingEnd(view.id)).status.eventType, 'paired');
  });

  it('says that it could not be set up', async () => {
    const plug = house.radio.add(new MeteringPlug());
    plug.faults.set('configureReporting', 'refuse');
    ended(await house.pair(TYPES.plug, plug), 'configurationFailed');
    house.radio.remove(plug);
  });

  it('gives each of several devices to the pairing that wants its model', async () => {
    const [sensor, bulb] = [house.radio.add(new TemperatureSensor()), house.radio.add(new ColourBulb())];
    const wanted = [
      await house.create(TYPES.bulb, { touchlink: false }),
      await house.create(TYPES.thermometer),
    ];
    for (const id of wanted) await house.startPairing(id);
    sensor.seek();
    bulb.seek();
    const [lamp, thermometer] = await Promise.all(wanted.map((id) => house.pairingEnd(id)));
    assert.equal(lamp?.address?.['ieeeAddress'], bulb.ieee, JSON.stringify(lamp?.status));
    assert.equal(thermometer?.address?.['ieeeAddress'], sensor.ieee, JSON.stringify(thermometer?.status));
  });

  it('takes an install code, and refuses a wrong one', async () => {
    const wrong = await house.create(TYPES.thermometer, { installCode: 'nonsense' });
    await house.startPairing(wrong);
    const view = await house.pairingEnd(wrong);
    ended(view, 'badInstallCode');
    assert.doesNotMatch(JSON.stringify(view.status), /nonsense/);

    const code = withCrc(randomBytes(16));
    const sensor = house.radio.add(new TemperatureSensor({ installCode: code }));
    const text = `${sensor.ieee.slice(2)}|${code.toString('hex')}`;
    const { status } = await house.pair(TYPES.thermometer, sensor, { installCode: text });
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.equal(JSON.stringify(await house.device(wrong)).includes('nonsense'), false);
  });

  it('finds a lamp by Touchlink that does not look for a network', async () => {
    const bulb = house.radio.add(new ColourBulb());
    const id = await house.create(TYPES.bulb, { touchlink: true });
    await house.startPairing(id);
    const { status } = await house.pairingEnd(id);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.equal(bulb.joined, true);
  }).timeout(60_000);

  it('looks for a lamp by Touchlink where the type has it, and leaves those of this network alone', async () => {
    const [own, near] = [house.radio.add(new ColourBulb()), new ColourBulb()];
    const paired = await house.pair(TYPES.bulb, own, { touchlink: false });
    assert.equal(paired.status.eventType, 'paired', JSON.stringify(paired.status.reason));
    const address = own.membership?.address;
    house.radio.add(near);
    const id = await house.create(TYPES.bulb);
    await house.startPairing(id);
    const view = await house.pairingEnd(id);
    assert.equal(view.status.eventType, 'paired', JSON.stringify(view.status.reason));
    assert.equal(view.address?.['ieeeAddress'], near.ieee);
    assert.equal(own.membership?.address, address);

    const lonely = await house.create(TYPES.bulb);
    await house.startPairing(lonely, { joinSeconds: 16 });
    const message = ended(await house.pairingEnd(lonely), 'nothingJoined');
    assert.match(message, /and Touchlink found none near the coordinator/);
    assert.deepEqual([own.joined, near.joined], [true, true]);
  }).timeout(90_000);

  it('looks for none by Touchlink where the type does not have it', async () => {
    const bulb = house.radio.add(new ColourBulb());
    const id = await house.create(TYPES.thermometer);
    await house.startPairing(id, { joinSeconds: 5 });
    assert.doesNotMatch(ended(await house.pairingEnd(id), 'nothingJoined'), /Touchlink/);
    assert.equal(bulb.joined, false);
    house.radio.remove(bulb);
  });

  it('takes the text of a QR code, and asks for the code where the device is not let in with it', async () => {
    const code = withCrc(randomBytes(16));
    const sensor = house.radio.add(new TemperatureSensor({ installCode: code }));
    const qr = (key: Buffer) =>
      `Z:${sensor.ieee.slice(2).toUpperCase()}$I:${key.toString('hex').toUpperCase()}`;
    const typo = Buffer.from(code);
    typo[3] = (typo[3] ?? 0) ^ 1;
    const id = await house.create(TYPES.thermometer, { installCode: qr(typo) });
    await house.startPairing(id, { joinSeconds: 3 });
    await isOpen();
    sensor.seek(200, 2_500);
    const view = await house.pairingEnd(id);
    assert.equal(view.status.reason?.code, 'nothingJoined', JSON.stringify(view.status));
    assert.match(view.status.reason?.hint ?? '', /install code .* digit by digit/);
    assert.equal(JSON.stringify(view.status).includes(typo.toString('hex').toUpperCase()), false);

    const { status, address } = await house.pair(TYPES.thermometer, sensor, { installCode: qr(code) });
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    assert.equal(address?.['ieeeAddress'], sensor.ieee);
  });

  it('can be cancelled', async () => {
    const id = await house.create(TYPES.thermometer);
    await house.startPairing(id);
    await isOpen();
    await house.api.send('DELETE', `/device/v1/devices/${id}/pair`);
    assert.equal((await house.pairingEnd(id)).status.eventType, 'not_paired');
    await until('joining is closed', () => !house.radio.coordinator.permitsJoining);
  });

  it('says at which step a device refused, or left, as well', async () => {
    const sensor = house.radio.add(new TemperatureSensor({ pollMs: 0 }));
    sensor.faults.set('simpleDescriptor', 'leave');
    ended(await house.pair(TYPES.thermometer, sensor), 'leftDuringPairing');
    sensor.faults.mend();
    sensor.faults.set('simpleDescriptor', 'refuse');
    const view = await house.pair(TYPES.thermometer, sensor);
    assert.match(ended(view, 'interviewFailed'), /simple descriptor/);
    sensor.faults.mend();
    await house.startPairing(view.id);
    assert.equal((await house.pairingEnd(view.id)).status.eventType, 'paired');
  });

  it('tells each step of a pairing that goes well', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    const { id, status } = await house.pair(TYPES.thermometer, sensor);
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    const steps = () =>
      house.heard
        .filter(({ event, fact }) => event === 'pairing_progress' && fact['deviceId'] === id)
        .map(({ fact }) => fact['step']);
    await until('the last step is told', () => steps().includes('configured'));
    assert.deepEqual(steps(), ['joined', 'interviewing', 'configuring', 'configured']);
  });

  it('tells its progress', () => {
    const events = new Set(house.heard.map(({ event }) => event));
    for (const event of ['discovering', 'paired', 'not_paired']) assert.ok(events.has(event));
  });
}).timeout(90_000);

describe('several Zigbee pairings at once', () => {
  let house: ZigbeeHouse;
  before(async () => {
    house = await ZigbeeHouse.open();
  });
  after(() => house.close());

  async function waiting(types: string[], joinSeconds: number): Promise<string[]> {
    const ids: string[] = [];
    for (const type of types) ids.push(await house.create(type, { touchlink: false }));
    for (const id of ids) await house.startPairing(id, { joinSeconds });
    await until('joining is open', () => house.radio.coordinator.permitsJoining);
    return ids;
  }
  const ends = (ids: string[]) => Promise.all(ids.map((id) => house.pairingEnd(id)));

  it('of one model are given one device each', async () => {
    const ids = await waiting([TYPES.thermometer, TYPES.thermometer], 30);
    const sensors = [house.radio.add(new TemperatureSensor()), house.radio.add(new TemperatureSensor())];
    for (const sensor of sensors) sensor.seek();
    const found = (await ends(ids)).map(({ address, status }) => address?.['ieeeAddress'] ?? status.reason);
    assert.deepEqual(new Set(found), new Set(sensors.map(({ ieee }) => ieee)), JSON.stringify(found));
  });

  it('do not give up a device whose interview goes on when the time to join is over', async () => {
    const ids = await waiting([TYPES.bulb, TYPES.thermometer], 3);
    const sensor = house.radio.add(new TemperatureSensor());
    // the library asks again after 10 s
    sensor.faults.set('activeEndpoints', 'mute', 1);
    sensor.seek();
    const [lamp, thermometer] = await ends(ids);
    assert.equal(thermometer?.status.eventType, 'paired', JSON.stringify(thermometer?.status));
    assert.equal(thermometer?.address?.['ieeeAddress'], sensor.ieee);
    assert.equal(lamp?.status.reason?.code, 'nothingJoined', JSON.stringify(lamp?.status));
  });

  it('say each that something joined and left', async () => {
    const ids = await waiting([TYPES.bulb, TYPES.thermometer], 4);
    const sensor = house.radio.add(new TemperatureSensor({ pollMs: 0 }));
    sensor.faults.set('activeEndpoints', 'leave');
    sensor.seek();
    for (const { status } of await ends(ids))
      assert.equal(status.reason?.code, 'leftDuringPairing', JSON.stringify(status));
    house.radio.remove(sensor);
  });
}).timeout(60_000);

describe('a Zigbee pairing without a coordinator, or without room', () => {
  it('says that the network is full', async () => {
    const house = await ZigbeeHouse.open({ radio: { capacity: 1 } });
    try {
      const [first, second] = [new TemperatureSensor(), new TemperatureSensor()];
      assert.equal((await house.pair(TYPES.thermometer, house.radio.add(first))).status.eventType, 'paired');
      const id = await house.create(TYPES.thermometer);
      await house.startPairing(id, { joinSeconds: 3 });
      house.radio.add(second).seek();
      const { status } = await house.pairingEnd(id);
      assert.equal(status.reason?.code, 'networkFull', JSON.stringify(status.reason));
      assert.match(status.reason?.hint ?? '', /delete devices that are gone, or use a larger coordinator/);

      await house.radio.unplug();
      await house.until('degraded');
      await house.startPairing(id);
      const lost = (await house.pairingEnd(id)).status.reason;
      assert.equal(lost?.code, 'coordinatorNotReady');
      assert.match(lost?.hint ?? '', /is it powered and in this network|plug it in again/);

      await house.radio.replug();
      await house.until('running', undefined, 40_000);
      await house.startPairing(id, { joinSeconds: 60 });
      await until('joining is open', () => house.radio.coordinator.permitsJoining);
      await house.radio.unplug();
      const broken = (await house.pairingEnd(id)).status.reason;
      assert.equal(broken?.code, 'coordinatorNotReady');
      assert.match(broken?.message ?? '', /went away during the pairing/);
      assert.match(broken?.hint ?? '', /see to the coordinator, then pair it again/);
    } finally {
      await house.close();
    }
  });
}).timeout(60_000);

/** CRC-16/X-25, as install codes bear it (Base Device Behavior, 10.1.1). */
function withCrc(code: Buffer): Buffer {
  let crc = 0xffff;
  for (const byte of code) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1;
  }
  const whole = Buffer.alloc(code.length + 2);
  code.copy(whole);
  whole.writeUInt16LE(~crc & 0xffff, code.length);
  return whole;
}
