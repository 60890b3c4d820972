/** What a KNXnet/IP server does by multicast, through the whole gateway: being found, and routing. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { isUdpPortFree, KNX_MULTICAST } from '../../support/knxd.ts';
import { until } from '../../support/until.ts';
import { KNX, KnxInstallation } from './support/knx-installation.ts';

/** Where servers are searched for, whatever port they answer at. */
const SEARCH_PORT = 3_671;

interface Candidate {
  label: string;
  parameters: { ip_address: string; port: number };
}

describe('a KNX server on the network', function () {
  this.timeout(120_000);
  let house: KnxInstallation | undefined;

  before(function () {
    if (reasonToSkip('knxd')) this.skip();
  });

  afterEach(async () => {
    await house?.stop();
    house = undefined;
  });

  it('is found by a scan, with what it is installed with', async () => {
    // on loopback: nobody else shall find it
    await until('nobody else is at the port of searches', () => isUdpPortFree(SEARCH_PORT), 60_000);
    const searched = await KnxInstallation.start({
      knxd: { port: SEARCH_PORT, onLoopback: true, name: `test ${process.pid}` },
    });
    house = searched;
    await searched.install({});
    assert.match(await searched.protocolIs('degraded'), /no KNXnet\/IP server is given/);
    const { body } = await searched.daemon.api.call<Candidate[]>('POST', `${KNX}/scan`);
    const found = body.find(({ label }) => label.includes(`"test ${process.pid}"`));
    assert.match(found?.label ?? JSON.stringify(body), /at \d+\.\d+\.\d+\.\d+:3671 \(0\.0\.1, tunnelling/);
    await searched.uninstall();
    await searched.install(found?.parameters ?? {});
    await searched.protocolIs('running');
    const { id } = await searched.paired({ group_address: '1/0/1', dpt: '1.001', flags: ['write'] });
    assert.equal((await searched.set(id, { value: true })).status, 200);
    await until('the bus has heard it', () => searched.writesTo('1/0/1').length === 1);
  });

  it('routes telegrams both ways without a tunnel', async function () {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    // multicast needs a network card, as a box has it and some containers have not
    if (!all.some(({ family, internal }) => family === 'IPv4' && !internal)) this.skip();
    const routed = await KnxInstallation.start({ knxd: { routing: true } });
    house = routed;
    await routed.install({
      ip_address: KNX_MULTICAST,
      port: routed.knxd.port,
      transport: 'routing',
      individual_address: '15.15.251',
    });
    await routed.protocolIs('running');
    const { id } = await routed.paired({
      datapoints: [
        { name: 'level', group_address: '1/0/1', dpt: '5.001', flags: ['write'] },
        { name: 'temperature', group_address: '1/0/2', dpt: '9.001', flags: ['listen'] },
      ],
    });
    assert.equal((await routed.set(id, { level: 50 })).status, 200);
    const heard = await until('the bus has heard it', () =>
      routed.heard.find(({ destination }) => destination === '1/0/1'),
    );
    assert.deepEqual([heard.source, heard.service, heard.value], ['15.15.251', 'Write', '80']);
    await routed.knxd.write('1/0/2', '0c33');
    await until('it is a reading', () => routed.readingsOf(id).length > 0);
    assert.deepEqual(routed.readingsOf(id), [{ temperature: 21.5, temperature_unit: '°C' }]);
  });
});
