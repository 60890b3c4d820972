/** The link to the cloud as the overview shows it, at a real broker with mutual TLS: made, gone with its reason, back. */
import assert from 'node:assert/strict';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from '../cloud/cloud-house.ts';
import { assertAccessible, DashboardHouse, TYPES } from './dashboard-house.ts';

/** Health is asked for every 10 s for what is counted in it. */
const SHOWN_MS = 30_000;
const FIRST = 3;
const SECOND = 4;

describe('the cloud in the dashboard', function () {
  this.timeout(120_000);
  let cloud: CloudHouse;
  let house: DashboardHouse;
  let sensor: TemperatureSensor;
  let thermometer: string;

  before(async function () {
    const reason = obstacle();
    if (reason !== undefined) {
      if (this.test) this.test.title += ` (${reason})`;
      this.skip();
    }
    cloud = await CloudHouse.open();
    const opened = await DashboardHouse.open(this, {
      ON_PREMISE_ANONYMOUS: 'read',
      CONFIG_FOLDER: cloud.credentials,
      CLOUD_RETRY_MAX_SECONDS: '1',
      NODE_ENV: '',
      ON_PREMISE_ENABLED: 'true',
    });
    if (opened) house = opened;
    const radio = await house.withZigbee();
    sensor = radio.add(new TemperatureSensor());
    thermometer = (await house.paired('Thermometer', TYPES.thermometer, sensor)).id;
  });
  after(async () => {
    await house?.close();
    await cloud?.close();
    house?.assertNoComplaints();
  });

  const stored = async () => {
    const path = `/device/v1/devices/${thermometer}/data`;
    return (await house.api.get<{ totalItems: number }>(path)).totalItems;
  };
  async function measured(times: number): Promise<void> {
    const before = await stored();
    for (let turn = 0; turn < times; turn += 1) {
      sensor.report({ temperature: 20 + before + turn });
      await until('the reading is stored', async () => (await stored()) > before + turn);
    }
  }
  const arrived = () =>
    cloud.cloud.heard.flatMap(({ topic, payload }) =>
      topic.startsWith(cloud.topic('data', '')) ? [payload].flat() : [],
    ).length;

  it('says that it is connected, that it is away and why, how much waits, and that all has arrived', async () => {
    const { page } = await house.visit('/');
    const line = page.getByTestId('cloud');
    await line.getByText('Connected to the cloud · everything has arrived').waitFor({ timeout: SHOWN_MS });

    await cloud.broker.stop();
    await line.getByText('No connection to the cloud').waitFor({ timeout: SHOWN_MS });
    const health = page.getByTestId('health');
    const reason = await until('it is known that nobody answers there', async () => {
      const { parts } = await house.api.get<{ parts: Record<string, { reason?: string }> }>('/health/ready');
      const told = parts['cloud']?.reason ?? '';
      return told.includes('127.0.0.1') && told;
    });
    await health.getByText(reason).waitFor({ timeout: SHOWN_MS });

    await measured(FIRST);
    await line.getByText(`${FIRST} readings wait`).waitFor({ timeout: SHOWN_MS });
    await measured(SECOND);
    await line.getByText(`${FIRST + SECOND} readings wait`).waitFor({ timeout: SHOWN_MS });
    await line.getByText('the oldest').waitFor();
    await assertAccessible(page, 'a cloud that is away');

    const before = arrived();
    await cloud.broker.start();
    await line.getByText('Connected to the cloud').waitFor({ timeout: SHOWN_MS });
    await line.getByText('everything has arrived').waitFor({ timeout: SHOWN_MS });
    assert.ok(arrived() - before >= FIRST + SECOND, `${arrived() - before} have come`);
    await health.getByText('All is well').waitFor();
  });
});
