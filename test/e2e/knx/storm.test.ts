/** More telegrams than any KNX line carries: each is a reading, commands get through, the monitor keeps the last thousand. */
import assert from 'node:assert/strict';
import { anotherClient } from '../../support/another-knx-client.ts';
import { until } from '../../support/until.ts';
import { KnxInstallation } from './support/knx-installation.ts';

const STORM = 2_000;
const KEPT = 1_000;

describe('a storm on a KNX bus', function () {
  this.timeout(120_000);
  let house: KnxInstallation;

  before(async function () {
    house = await KnxInstallation.reached(this);
  });

  after(() => house?.stop());

  interface Monitored {
    telegrams: { direction: string; destination: string; raw: string; known?: { value: unknown }[] }[];
  }

  it('becomes readings without a loss, and holds up no command', async () => {
    const { id } = await house.paired({
      datapoints: [
        { name: 'counter', group_address: '1/0/1', dpt: '7.001', flags: ['listen'] },
        { name: 'light', group_address: '1/0/2', dpt: '1.001', flags: ['write'] },
      ],
    });
    await until('the device is there', async () => (await house.device(id)).availability?.online === true);
    const numbers = Array.from({ length: STORM }, (_, number) => number);
    const stormy = await anotherClient(house.knxd.port);
    try {
      const storm = Promise.all(
        numbers.map((number) => {
          const value = { short: false, bytes: Buffer.of(number >> 8, number & 255) };
          return stormy.send({ service: 'write', destination: 0x0801, value });
        }),
      );
      assert.equal((await house.set(id, { light: true })).status, 200);
      await storm;
    } finally {
      await stormy.stop();
    }
    await until('all are told', () => house.readingsOf(id).length >= STORM);
    assert.deepEqual(
      house.readingsOf(id).map(({ counter }) => counter),
      numbers,
    );
    await until('the bus has heard the command', () => house.writesTo('1/0/2').length > 0);
    assert.deepEqual(house.writesTo('1/0/2'), ['01']);
    await house.protocolIs('running');

    const last = (await house.action('busMonitor', { limit: KEPT })).response as Monitored;
    assert.equal(last.telegrams.length, KEPT);
    const counted = last.telegrams.filter(({ destination }) => destination === '1/0/1');
    assert.deepEqual(
      counted.map(({ known }) => known?.[0]?.value),
      numbers.slice(-counted.length),
    );
    assert.ok(counted.length >= KEPT - 1);
    const some = (await house.action('busMonitor', { limit: 5, group_address: '1/0/1' }))
      .response as Monitored;
    assert.deepEqual(
      some.telegrams.map(({ raw }) => Number.parseInt(raw, 16)),
      numbers.slice(-5),
    );
  });
});
