/** What a caller, an installer or the bus itself gets wrong, through the whole gateway: clear errors, named states, nobody else harmed. */
import assert from 'node:assert/strict';
import { until } from '../../support/until.ts';
import { KnxInstallation } from './support/knx-installation.ts';

describe('a KNX installation with what is wrong', function () {
  this.timeout(120_000);
  let house: KnxInstallation;

  before(async function () {
    house = await KnxInstallation.reached(this);
  });

  after(() => house?.stop());

  it('does not pair what has no type or address that is known, and says what is wrong', async () => {
    const cases: [object, RegExp][] = [
      [{ group_address: '0/0/0', dpt: '1.001' }, /"0\/0\/0"/],
      [{ group_address: '32/0/1', dpt: '1.001' }, /"32\/0\/1"/],
      [{ group_address: '1/2/x', dpt: '1.001' }, /"1\/2\/x"/],
      [{ group_address: '1/2/3', dpt: '77.001' }, /"77\.001"/],
      [{ group_address: '1/2/3', dpt: '1.001', individual_address: '99.1.1' }, /"99\.1\.1"/],
      [{ group_address: '1/2/3', status_address: '1/2/300', dpt: '1.001' }, /"1\/2\/300"/],
      [{ datapoints: [{ name: 'a.b', group_address: '1/2/3', dpt: '1.001' }] }, /"a\.b"/],
    ];
    for (const [parameters, message] of cases) {
      const { status } = await house.paired(parameters);
      assert.equal(status.eventType, 'not_paired', JSON.stringify(parameters));
      assert.match(status.reason?.message ?? '', message);
      assert.match(status.reason?.hint ?? '', /\S/);
    }
  });

  it('pairs with what the bus answers, and does not where that is of another type', async () => {
    const stop = house.knxd.answering(house.heard, '1/0/1', 1);
    try {
      const wrong = await house.paired({ group_address: '1/0/1', dpt: '9.001' });
      assert.deepEqual([wrong.status.eventType, wrong.status.reason?.code], ['not_paired', 'badTelegram']);
      const right = await house.paired({
        datapoints: [
          { name: 'light', group_address: '1/0/1', dpt: '1.001' },
          { name: 'level', group_address: '1/0/2', dpt: '5.001' },
        ],
      });
      assert.equal(right.status.eventType, 'paired');
      assert.deepEqual([right.address?.answered, right.address?.unanswered], [['light'], ['level']]);
    } finally {
      stop();
    }
  });

  it('sends nothing of a set with one value that cannot be', async () => {
    const { id } = await house.paired({
      datapoints: [
        { name: 'light', group_address: '1/1/1', dpt: '1.001', flags: ['write'] },
        { name: 'heat', group_address: '1/1/2', dpt: '9.001', flags: ['write'] },
      ],
    });
    const cases: [object, RegExp][] = [
      [{ light: true, heat: 1_000_000 }, /1000000 is no value of DPT 9\.001/],
      [{ light: 'on' }, /"on" is no value of DPT 1\.001/],
      [{ light: true, dimmer: 1 }, /no datapoint "dimmer"/],
      [{ light: true, heat: 20, heat_unit: 'K' }, /in °C, not in "K"/],
    ];
    for (const [values, message] of cases) {
      const { status, body } = await house.set(id, values);
      assert.deepEqual([status, body.code], [400, 'badRequest'], JSON.stringify(values));
      assert.match(JSON.stringify(body), new RegExp(message.source.replaceAll('"', '\\\\*"')));
    }
    assert.equal((await house.set(id, { heat: 20 })).status, 200);
    await until('the right one is heard', () => house.writesTo('1/1/2').length > 0);
    assert.deepEqual(house.writesTo('1/1/1'), []);
  });

  it('ends a read that nobody answers, naming the address', async () => {
    const { id } = await house.paired({
      datapoints: [
        { name: 'mute', group_address: '1/2/1', dpt: '1.001' },
        { name: 'deaf', group_address: '1/2/2', dpt: '9.001', flags: ['listen'] },
      ],
    });
    const silent = await house.get(id);
    assert.equal(silent.error?.code, 'timeout');
    assert.match(silent.error?.message ?? '', /nobody on the bus answered the read of "mute" \(1\/2\/1\)/);
    const refused = await house.get(id, 'deaf');
    assert.equal(refused.error?.code, 'badRequest');
    assert.match(refused.error?.message ?? '', /"deaf" has not the flag "read"/);
  });

  it('makes no reading of a telegram of a wrong length, says so once, and reads the next one', async () => {
    const { id } = await house.paired({ group_address: '1/3/1', dpt: '9.001', flags: ['listen'] });
    await until('it is there', async () => (await house.device(id)).availability?.online === true);
    for (const raw of ['ff', 'ffffff', 'ff', 'ff'.repeat(14)]) await house.knxd.write('1/3/1', raw);
    await house.knxd.write('1/3/1', '0c33');
    await until('the good one is a reading', () => house.readingsOf(id).length > 0);
    assert.deepEqual(house.readingsOf(id), [{ value: 21.5, value_unit: '°C' }]);
    // of the last telegram that was wrong nothing is told: only the first is awaited
    const told = await until('it is told', async () => {
      const lines = (await house.logged()).filter((line) => line.includes('1/3/1'));
      return lines.length > 0 && lines;
    });
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /1 bytes \(ff\) is no value of DPT 9\.001/);
    await house.protocolIs('running');
  });

  it('lets one device alone be written to at an address, and any number hear it', async () => {
    const first = await house.paired({ group_address: '1/4/1', dpt: '1.001' });
    const second = await house.paired({ group_address: '1/4/1', dpt: '1.001' });
    assert.deepEqual(
      [first.status.eventType, second.status.eventType, second.status.reason?.code],
      ['paired', 'not_paired', 'addressTaken'],
    );
    assert.match(second.status.reason?.message ?? '', new RegExp(`device "${first.id}"`));
    const third = await house.paired({ group_address: '1/4/2', status_address: '1/4/1', dpt: '1.001' });
    assert.equal(third.status.eventType, 'paired');
    await house.knxd.write('1/4/1', 1);
    for (const { id } of [first, third]) {
      await until('it is a reading', () => house.readingsOf(id).some(({ value }) => value === true));
    }
    // a change that makes two of them
    await house.daemon.api.send('PATCH', `/device/v1/devices/${third.id}`, {
      parameters: { group_address: '1/4/1' },
    });
    const { availability } = await until('it is unavailable', async () => {
      const now = await house.device(third.id);
      return now.availability?.online === false && now;
    });
    assert.match(availability?.reason ?? '', /1\/4\/1 is "value" of device/);
    assert.equal((await house.set(first.id, { value: false })).status, 200);
    await until('the bus has heard it', () => house.writesTo('1/4/1').includes('00'));
  });
});
