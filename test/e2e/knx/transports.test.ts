/** Tunnelling over TCP, a server that gives no choice of address, and one that asks for KNX IP Secure, through the whole gateway. */
import assert from 'node:assert/strict';
import { SERVICE } from '../../../addons/knx/src/wire/ip-frame.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { KnxTcpFront } from '../../support/knx-tcp-front.ts';
import { until } from '../../support/until.ts';
import { KnxInstallation } from './support/knx-installation.ts';

describe('the transports of a KNX installation', function () {
  this.timeout(120_000);
  let house: KnxInstallation;
  let front: KnxTcpFront;

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    house = await KnxInstallation.start({ relayed: true });
    // Debian's knxd speaks UDP alone
    front = new KnxTcpFront(house.knxd.port);
  });

  after(async () => {
    await house?.stop();
    await front?.stop();
  });

  it('are TCP too: values both ways, and again when the connection has ended', async () => {
    await house.install({ ip_address: '127.0.0.1', port: await front.start(), transport: 'tcp' });
    await house.protocolIs('running');
    const { id } = await house.paired({
      datapoints: [
        { name: 'level', group_address: '1/0/1', dpt: '5.001', flags: ['write'] },
        { name: 'temperature', group_address: '1/0/2', dpt: '9.001', flags: ['listen'] },
      ],
    });
    assert.equal((await house.set(id, { level: 50 })).status, 200);
    await until('the bus has heard it', () => house.writesTo('1/0/1').length > 0);
    await house.knxd.write('1/0/2', '0c33');
    await until('it is a reading', () => house.readingsOf(id).length > 0);
    assert.deepEqual(house.readingsOf(id), [{ temperature: 21.5, temperature_unit: '°C' }]);
    front.drop();
    assert.equal((await house.setWithin(60, id, { level: 100 })).status, 200);
    await until('the bus has heard that too', () => house.writesTo('1/0/1').length > 1);
    assert.deepEqual(house.writesTo('1/0/1'), ['80', 'ff']);
    await until('the loss is told', async () =>
      (await house.logged()).some((line) => line.includes('broke: it has ended the connection')),
    );
    await house.uninstall();
  });

  it('are UDP without a choice of individual address, where the server gives none', async () => {
    // knxd speaks tunnelling version 1
    await house.install({ ...house.server, individual_address: '0.0.5' });
    const reason = await until('it is refused', async () => {
      const told = await house.protocolIs('degraded');
      return told.includes('individual address') && told;
    });
    assert.match(
      reason,
      /gives no choice of the tunnel's individual address .*leave "individual_address" out/,
    );
    await house.uninstall();
  });

  it('are not KNX IP Secure: a server that asks for it is named, with what to do', async () => {
    // knxd speaks none: its answer is changed on the way to that of a server which insists
    house.relay.loses = (bytes, direction) => {
      if (direction === 'toClient' && bytes.readUInt16BE(2) === SERVICE.connectResponse) bytes[7] = 0x28;
      return false;
    };
    await house.install();
    const reason = await until('it is refused', async () => {
      const told = await house.protocolIs('degraded');
      return told.includes('Secure') && told;
    });
    assert.match(reason, /asks for KNX IP Secure, which this add-on does not speak/);
    assert.match(reason, /allow plain tunnelling in ETS/);
    house.relay.loses = () => false;
    await house.protocolIs('running');
  });
});
