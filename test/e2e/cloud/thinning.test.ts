/** What of a device goes to the cloud, as a person has chosen it: through the real daemon to mosquitto. */
import assert from 'node:assert/strict';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from './cloud-house.ts';
import { Meter } from './meter.ts';

interface Relayed {
  seq: number;
  data: { power: number };
}

describe('what goes to the cloud', function () {
  this.timeout(60_000);
  let house: CloudHouse;
  let meter: Meter;
  before(async function () {
    const reason = obstacle();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    house = await CloudHouse.open();
    meter = new Meter();
    await house.startDaemon();
    await house.connected();
    await meter.install(house.daemon);
  });
  after(async () => {
    await meter?.close();
    await house?.close();
  });

  const choose = (relay: unknown) =>
    house.daemon.api.send('PATCH', `/device/v1/devices/${meter.deviceId}`, { relay });
  const measure = (...powers: readonly number[]) =>
    meter.measure(house.daemon, ...powers.map((power) => ({ power })));
  const arrived = () =>
    house.cloud.heard
      .filter(({ topic }) => topic.startsWith(house.topic('data', '')))
      .flatMap(({ payload }) => payload as Relayed | Relayed[])
      .map(({ seq, data }) => [seq, data.power]);
  const stored = async () => {
    const path = `/device/v1/devices/${meter.deviceId}/data?perPage=100`;
    return (await house.daemon.api.get<{ data: Relayed[] }>(path)).data.map(({ data }) => data.power);
  };
  /** The number of the last of them tells that nothing is on its way any more. */
  const arrives = (expected: unknown[]) =>
    until(`${JSON.stringify(expected)} have arrived`, () => arrived().length >= expected.length).then(() =>
      assert.deepEqual(arrived(), expected),
    );

  it('leaves out small changes, what comes too soon, and whole devices; stored is everything, numbers have no holes', async () => {
    const seen: number[][] = [];
    const then = async (next: number[][]) => {
      seen.push(...next);
      await arrives(seen);
    };
    await choose({ thinning: { power: { deadband: 5 } } });
    await measure(10, 12, 14.9, 15, 19, 20, 40);
    await then([
      [1, 10],
      [2, 15],
      [3, 20],
      [4, 40],
    ]);
    await choose({ thinning: { power: { minIntervalSeconds: 3_600 } } });
    await measure(50, 60, 70);
    await then([[5, 50]]);
    await choose({ excluded: true });
    await measure(80, 81);
    await choose({});
    await measure(90);
    await then([[6, 90]]);
    assert.deepEqual(await stored(), [10, 12, 14.9, 15, 19, 20, 40, 50, 60, 70, 80, 81, 90]);
  });
});
