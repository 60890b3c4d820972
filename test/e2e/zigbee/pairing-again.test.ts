/** "Pair it again; it need not be reset": the second attempt, right after the first one failed, without a new join. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ANY_DEVICE_TYPE } from '../../../addons/zigbee/src/type-id.ts';
import type { SimulatedDevice } from '../../simulators/zigbee/device.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import type { Step } from '../../simulators/zigbee/faults.ts';
import { until } from '../../support/until.ts';
import { type DeviceView, TYPES, ZigbeeHouse } from './zigbee-house.ts';

const { thermometer } = TYPES;
/** The library waits for an answer for 10 s, also of a device that has left. */
const OLD_INTERVIEW_MS = 30_000;

describe('a Zigbee device that is paired again', () => {
  let house: ZigbeeHouse;
  before(async () => {
    house = await ZigbeeHouse.open({ parameters: { interviewSeconds: 5 } });
  });
  after(() => house.close());

  const failedWith = (view: DeviceView, code: string, words = '') => {
    assert.equal(view.status.eventType, 'not_paired', words);
    assert.equal(view.status.reason?.code, code, `${words} ${JSON.stringify(view.status.reason)}`);
  };
  async function isPaired(id: string, words = ''): Promise<void> {
    const { status } = await house.pairingEnd(id);
    assert.equal(status.eventType, 'paired', `${words} ${JSON.stringify(status.reason)}`);
  }
  const isTold = (id: string, step: string) =>
    until(`${step} is told`, () =>
      house.heard.some(
        ({ event, fact }) => event === 'pairing_progress' && fact['deviceId'] === id && fact['step'] === step,
      ),
    );
  async function mutedAt<Device extends SimulatedDevice>(step: Step, sensor: Device, type: string) {
    house.radio.add(sensor);
    sensor.faults.set(step, 'mute');
    const id = await house.create(type);
    await house.startPairing(id);
    sensor.seek();
    await isTold(id, 'interviewing');
    return { id, sensor, step };
  }

  it('needs no reset, at whatever step of the interview it was silent', async () => {
    const tried: { id: string; sensor: SimulatedDevice; step: Step }[] = [];
    for (const step of ['nodeDescriptor', 'activeEndpoints', 'simpleDescriptor', 'basicRead'] as Step[]) {
      tried.push(await mutedAt(step, new TemperatureSensor(), thermometer));
    }
    tried.push(await mutedAt('iasEnrol', new ContactSensor(), ANY_DEVICE_TYPE));
    await Promise.all(
      tried.map(async ({ id, sensor, step }) => {
        failedWith(await house.pairingEnd(id), 'interviewFailed', step);
        sensor.faults.mend();
        await house.startPairing(id);
        await isPaired(id, step);
        const { address } = await house.device(id);
        assert.equal(address?.['ieeeAddress'], sensor.ieee, step);
      }),
    );
  });

  it('fails again with the step when it is silent still, and is paired by the third attempt', async () => {
    const { id, sensor } = await mutedAt('simpleDescriptor', new TemperatureSensor(), thermometer);
    failedWith(await house.pairingEnd(id), 'interviewFailed');
    await house.startPairing(id);
    const view = await house.pairingEnd(id);
    failedWith(view, 'interviewFailed');
    assert.match(view.status.reason?.message ?? '', /simple descriptor/);
    sensor.faults.mend();
    await house.startPairing(id);
    await isPaired(id);
  });

  it('is let in when it was reset all the same, without having said so', async () => {
    const { id, sensor } = await mutedAt('activeEndpoints', new TemperatureSensor(), thermometer);
    failedWith(await house.pairingEnd(id), 'interviewFailed');
    sensor.faults.mend();
    sensor.reset();
    await house.startPairing(id);
    sensor.seek();
    await isPaired(id);
    sensor.report({ temperature: 18.25 });
    await house.reading(id, { temperature: 18.25 });
    await until('joining is closed', () => !house.radio.coordinator.permitsJoining);
  });

  it('is well known after it left during the first attempt: the interview of before has no say', async () => {
    const sensor = house.radio.add(new TemperatureSensor());
    sensor.faults.set('simpleDescriptor', 'leave', 1);
    const view = await house.pair(thermometer, sensor);
    failedWith(view, 'leftDuringPairing');
    await house.startPairing(view.id);
    sensor.seek();
    await isPaired(view.id);
    const old = new RegExp(`Interview failed for '${sensor.ieee}`);
    await until('the interview of before has failed', () => old.test(house.log()), OLD_INTERVIEW_MS);
    await until('the network knows it', async () => {
      await house.action('createBackup');
      return readFileSync(join(house.dataFolder, 'database.db'), 'utf8')
        .split('\n')
        .some((line) => line.includes(sensor.ieee) && line.includes('"interviewState":"SUCCESSFUL"'));
    });
  });
}).timeout(120_000);

describe('a Zigbee device that is silent when it is asked for its model', () => {
  it('fails at that step, not as an unknown model, and is asked again by the next attempt', async () => {
    const house = await ZigbeeHouse.open({ parameters: { interviewSeconds: 170 } });
    try {
      const sensor = house.radio.add(new TemperatureSensor());
      sensor.faults.set('basicRead', 'refuse');
      const view = await house.pair(thermometer, sensor);
      assert.equal(view.status.reason?.code, 'interviewFailed', JSON.stringify(view.status.reason));
      assert.match(view.status.reason?.message ?? '', /basic cluster/);
      sensor.faults.mend();
      await house.startPairing(view.id);
      const { status } = await house.pairingEnd(view.id);
      assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    } finally {
      await house.close();
    }
  });
}).timeout(120_000);
