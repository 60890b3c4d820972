/** Values of every common datapoint type through REST, the daemon, the add-on and knxd: byte by byte, both ways. */
import assert from 'node:assert/strict';
import { CLOCK_SAMPLE, KNX_SAMPLES } from '../../support/knx-samples.ts';
import { until } from '../../support/until.ts';
import { KnxInstallation } from './support/knx-installation.ts';

const COMMON = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 232, 251];
const SAMPLES = [...KNX_SAMPLES, { dpt: '19.001', ...CLOCK_SAMPLE }].map((sample, at) => ({
  ...sample,
  name: `p${at}`,
  group: `4/0/${at}`,
  status: `4/1/${at}`,
}));

describe('values on a KNX bus', function () {
  this.timeout(120_000);
  let house: KnxInstallation;
  let id: string;

  before(async function () {
    house = await KnxInstallation.reached(this);
    const device = await house.paired({
      datapoints: SAMPLES.map(({ name, group, status, dpt }) => ({
        name,
        group_address: group,
        status_address: status,
        dpt,
        flags: ['write', 'listen'],
      })),
    });
    id = device.id;
    assert.equal(device.status.eventType, 'paired', JSON.stringify(device.status));
  });

  after(() => house?.stop());

  it('are of every type that is common', () => {
    const mains = new Set(SAMPLES.map(({ dpt }) => Number(dpt.split('.')[0])));
    assert.deepEqual(
      COMMON.filter((main) => !mains.has(main)),
      [],
    );
  });

  it('that are set are on the bus byte by byte', async () => {
    const values = Object.fromEntries(SAMPLES.map(({ name, value }) => [name, value]));
    const { status, body } = await house.set(id, values);
    assert.equal(status, 200, JSON.stringify(body));
    await until('the bus has heard all', () =>
      SAMPLES.every(({ group }) => house.writesTo(group).length > 0),
    );
    const onBus = SAMPLES.map(({ dpt, group }) => [dpt, ...house.writesTo(group)]);
    const expected = SAMPLES.map(({ dpt, raw }) => [
      dpt,
      typeof raw === 'number' ? raw.toString(16).padStart(2, '0') : raw,
    ]);
    assert.deepEqual(onBus, expected);
  });

  it('that devices tell are readings', async () => {
    for (const { status, raw } of SAMPLES) await house.knxd.write(status, raw);
    await until('all are told', () => house.readingsOf(id).length >= SAMPLES.length);
    const told = Object.assign({}, ...house.readingsOf(id)) as Record<string, unknown>;
    assert.deepEqual(
      SAMPLES.map(({ name, dpt }) => [dpt, told[name]]),
      SAMPLES.map(({ dpt, value }) => [dpt, value]),
    );
  });
});
