/** An interface with one tunnel: it is shared, waited for by name, and never left taken. */
import assert from 'node:assert/strict';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { anotherClient } from '../../support/another-knx-client.ts';
import { until } from '../../support/until.ts';
import { KnxInstallation } from './support/knx-installation.ts';

describe('a KNX interface with one tunnel', function () {
  this.timeout(120_000);
  let house: KnxInstallation;

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    // knxtool, which listens, has the other one
    house = await KnxInstallation.start({ relayed: true, knxd: { slots: 2 } });
  });

  after(() => house?.stop());

  const refusals = async () =>
    (await house.logged()).filter((line) => line.includes('E_NO_MORE_CONNECTIONS')).length;

  const connections = async () =>
    (await house.logged()).filter((line) => line.includes('connected to the KNX bus')).length;

  it('is waited for by name while another client has it, and used when it is free', async () => {
    const other = await anotherClient(house.knxd.port);
    try {
      await house.install();
      await until('it is refused', async () => {
        return /all of its tunnels are taken \(E_NO_MORE_CONNECTIONS\)/.test(
          await house.protocolIs('degraded'),
        );
      });
      const { status } = await house.paired({ group_address: '1/0/1', dpt: '1.001', flags: ['write'] });
      assert.equal(status.eventType, 'not_paired');
      assert.match(status.reason?.message ?? '', /E_NO_MORE_CONNECTIONS/);
    } finally {
      await other.stop();
    }
    await house.protocolIs('running');
    const { id } = await house.paired({ group_address: '1/0/1', dpt: '1.001', flags: ['write'] });
    assert.equal((await house.set(id, { value: true })).status, 200);
    await until('the bus has heard it', () => house.writesTo('1/0/1').length === 1);
  });

  it('is not left taken by outages, by an add-on that is killed, nor by one that is removed', async () => {
    const before = await refusals();
    for (let round = 0; round < 2; round += 1) {
      house.relay.loses = () => true;
      await house.protocolIs('degraded');
      house.relay.loses = () => false;
      await house.protocolIs('running');
    }
    assert.equal(await refusals(), before);
    const connected = await connections();
    house.killAddon();
    await until('its successor has the tunnel', async () => (await connections()) > connected, 60_000);
    assert.equal(await refusals(), before);
    await house.uninstall();
    const next = await anotherClient(house.knxd.port);
    await next.stop();
  });
});
