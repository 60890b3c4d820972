/** A KNX bus over REST and socket.io: looked for, installed, paired, read, written, watched, lost and found again. */
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { until } from '../../support/until.ts';
import { KNX, KnxInstallation } from './support/knx-installation.ts';

describe('a KNX installation', function () {
  this.timeout(120_000);
  let house: KnxInstallation;

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    house = await KnxInstallation.start();
  });

  after(() => house?.stop());

  it('is looked for before its address is known', async () => {
    await house.daemon.api.send('POST', `${KNX}/installation`);
    assert.match(await house.protocolIs('degraded'), /no KNXnet\/IP server is given/);
    const scan = await house.daemon.api.call<unknown[]>('POST', `${KNX}/scan`);
    assert.equal(scan.status, 200, JSON.stringify(scan.body));
    await house.uninstall();
  });

  it('is installed, paired, read, written and watched over REST and socket.io', async () => {
    // by its name as well as by its address
    await house.install({ ip_address: 'localhost', port: house.knxd.port });
    await house.protocolIs('running');
    const { id, status } = await house.paired({
      datapoints: [
        { name: 'light', group_address: '1/0/1', dpt: '1.001' },
        { name: 'level', group_address: '1/0/2', status_address: '1/1/2', dpt: '5.001' },
        { name: 'temperature', group_address: '1/0/3', dpt: '9.001', flags: ['read', 'listen'] },
      ],
    });
    assert.equal(status.eventType, 'paired');
    const found = (await house.device(id)).address;
    assert.deepEqual([found?.answered, found?.unanswered], [[], ['light', 'level', 'temperature']]);
    await until('the device is there', async () => (await house.device(id)).availability?.online === true);

    await house.knxd.write('1/0/3', '0c33');
    await house.knxd.write('1/1/2', 'ff');
    const mine = () => house.readingsOf(id);
    await until('socket.io has told both', () => mine().length >= 2);
    assert.deepEqual(mine(), [
      { temperature: 21.5, temperature_unit: '°C' },
      { level: 100, level_unit: '%' },
    ]);
    const { data } = await house.daemon.api.get<{ data: { data: unknown }[] }>(
      `/device/v1/devices/${id}/data`,
    );
    assert.deepEqual(
      data.map((reading) => reading.data),
      mine(),
    );

    assert.equal((await house.set(id, { light: true, level: 50 })).status, 200);
    await until('the bus has heard both', () => house.writesTo('1/0/2').length > 0);
    assert.deepEqual([house.writesTo('1/0/1'), house.writesTo('1/0/2')], [['01'], ['80']]);

    const refused = await house.set(id, { light: false, level: 500 });
    assert.deepEqual([refused.status, refused.body.code], [400, 'badRequest']);
    assert.match(JSON.stringify(refused.body), /500 is no value of DPT 5\.001.*0 to 100/);
    assert.deepEqual(house.writesTo('1/0/1'), ['01']);

    const reads = () =>
      house.heard.filter((each) => each.service === 'Read' && each.destination === '1/0/3').length;
    const before = reads();
    const asked = await house.daemon.api.call('POST', `/device/v1/control/${id}/status`, {
      datapoints: ['temperature'],
    });
    await until('it is asked', () => reads() > before);
    await house.knxd.respond('1/0/3', '8a24');
    assert.deepEqual((await house.fetched(asked.headers['location'])).response, {
      temperature: -30,
      temperature_unit: '°C',
    });

    const monitor = await house.daemon.api.call('POST', `${KNX}/actions/busMonitor`, {
      limit: 500,
    });
    const { telegrams } = (await house.fetched(monitor.headers['location'])).response as {
      telegrams: { direction: string; destination: string; known?: unknown[] }[];
    };
    const own = telegrams.find(
      ({ direction, destination }) => direction === 'out' && destination === '1/0/2',
    );
    assert.deepEqual(own?.known, [{ deviceId: id, name: 'level', value: 50, unit: '%' }]);
  });

  it('answers reads of others where it shall, with the last value', async () => {
    const { id, status } = await house.paired({
      group_address: '1/5/1',
      dpt: '9.001',
      flags: ['write', 'listen', 'respond'],
    });
    assert.equal(status.eventType, 'paired');
    assert.equal((await house.set(id, { value: 21.5 })).status, 200);
    await house.knxd.read('1/5/1');
    const answer = await until('it is answered', () =>
      house.heard.find(({ service, destination }) => service === 'Response' && destination === '1/5/1'),
    );
    assert.equal(answer.value, '0c33');
  });

  it('is watched live by who asks for it', async () => {
    const watching = io(house.daemon.url, { query: { events: 'bus' } });
    try {
      const told: { destination: string; raw?: string; known?: object[] }[] = [];
      watching.on('bus_telegrams', ({ telegrams }: { telegrams: typeof told }) => told.push(...telegrams));
      await until('the socket is connected', () => watching.connected);
      const begun = await house.daemon.api.call('POST', `${KNX}/actions/watchBus`, {
        seconds: 60,
      });
      await house.fetched(begun.headers['location']);
      await house.knxd.write('1/0/3', '0c33');
      const telegram = await until('it is told', () =>
        told.find(({ destination }) => destination === '1/0/3'),
      );
      assert.equal(telegram.raw, '0c33');
      assert.equal(telegram.known?.length, 1);
    } finally {
      watching.disconnect();
    }
  });

  it('says why a device is not paired', async () => {
    const { status } = await house.paired({ group_address: '1/0/1', dpt: '1.001' });
    assert.deepEqual([status.eventType, status.reason?.code], ['not_paired', 'addressTaken']);
    const unknown = await house.paired({ group_address: '1/0/9', dpt: '99.001' });
    assert.match(unknown.status.reason?.message ?? '', /"99\.001"/);
    assert.ok(unknown.status.reason?.hint);
  });

  it('keeps nothing back when the server goes away and comes again', async () => {
    const { id } = await house.paired({ group_address: '2/0/1', dpt: '1.001', flags: ['write', 'listen'] });
    await house.knxd.kill();
    // one that cannot wait so long is reported failed
    const given = await house.setWithin(1, id, { value: true });
    assert.deepEqual([given.status, given.body.code], [503, 'deviceTimeout']);
    const during = house.set(id, { value: true });
    assert.match(await house.protocolIs('degraded'), /localhost:\d+ does not answer/);
    await until('the device is away', async () => (await house.device(id)).availability?.online === false);
    await house.knxd.start();
    house.heard = await house.knxd.listen();
    assert.equal((await during).status, 200);
    await house.protocolIs('running');
    await until('the device is back', async () => (await house.device(id)).availability?.online === true);
    assert.equal((await house.set(id, { value: false })).status, 200);
    await until('the bus has heard it', () => house.writesTo('2/0/1').includes('00'));
  });
});
