/** What was commissioned in ETS becomes devices: previewed, made, paired, read, and known when it comes again. */
import assert from 'node:assert/strict';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { projectArchive } from '../../support/knx-project.ts';
import { until } from '../../support/until.ts';
import { KNX, KnxInstallation } from './support/knx-installation.ts';

describe('an installation of ETS', function () {
  this.timeout(60_000);
  let house: KnxInstallation;

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    house = await KnxInstallation.start();
    await house.install();
  });

  after(() => house?.stop());

  it('is taken over from an export of ETS: previewed, then created', async () => {
    const content = [
      '"Group name";"Address";"DatapointType"',
      '"Cellar";"3/-/-";""',
      '"Boiler";"3/0/1";"DPST-9-1"',
      '"Unknown";"3/0/2";""',
    ].join('\n');
    const begun = await house.daemon.api.call('POST', `${KNX}/actions/importProject`, {
      content,
    });
    const { devices, problems } = (await house.fetched(begun.headers['location'])).response as {
      devices: { name: string; parameters: object }[];
      problems: { line: number; message: string }[];
    };
    assert.deepEqual(
      problems.map(({ line }) => line),
      [4],
    );
    assert.equal(devices[0]?.name, 'Cellar');
    const { id } = await house.paired(devices[0].parameters);
    await house.knxd.write('3/0/1', '0c33');
    const told = await until('it is a reading', () => house.readings.find(({ deviceId }) => deviceId === id));
    assert.deepEqual(told.payload, { Boiler: 21.5, Boiler_unit: '°C' });
  });

  it('is taken over from a whole project of ETS: sent, previewed, made, and known when it comes again', async () => {
    const sent = await fetch(`${house.daemon.url}/device/v1/protocols/knx/files`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(projectArchive({ schema: 23 })),
    });
    assert.equal(sent.status, 201);
    const { file } = (await sent.json()) as { file: string };
    const begun = await house.daemon.api.call('POST', `${KNX}/actions/importProject`, {
      file,
      by: 'range',
    });
    const preview = (await house.fetched(begun.headers['location'])).response as {
      source: { name: string };
      devices: { key: string; name: string; parameters: { datapoints: { name: string; dpt: string }[] } }[];
      problems: { address: string }[];
    };
    assert.equal(preview.source.name, 'House at the lake');
    assert.deepEqual(
      preview.problems.map(({ address }) => address),
      ['3/0/2'],
    );
    // the other addresses are those of devices that are there already
    const devices = preview.devices.filter(({ name }) => name === 'Ground floor');
    for (const each of devices) {
      each.parameters.datapoints = each.parameters.datapoints.filter(({ name }) =>
        name.startsWith('Kitchen'),
      );
    }
    const imported = async () => {
      const path = `${KNX}/devices`;
      const { body } = await house.daemon.api.call<{ devices: { outcome: string; deviceId: string }[] }>(
        'POST',
        path,
        {
          devices,
        },
      );
      return body.devices;
    };
    const [made] = await imported();
    assert.equal(made?.outcome, 'created');
    const id = made?.deviceId ?? '';
    await until('it is paired', async () => (await house.device(id)).status.eventType === 'paired');
    await house.knxd.write('1/0/4', '80');
    const told = await until('it is a reading', () => house.readings.find(({ deviceId }) => deviceId === id));
    assert.deepEqual(told.payload, { 'Kitchen level': 50, 'Kitchen level_unit': '%' });
    assert.deepEqual(await imported(), [{ key: 'range-2-2303', outcome: 'unchanged', deviceId: id }]);

    const broken = await fetch(`${house.daemon.url}/device/v1/protocols/knx/files`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(projectArchive({ schema: 23, change: (xml) => xml.replace('</GroupRange>', '') })),
    });
    const again = await house.daemon.api.call('POST', `${KNX}/actions/importProject`, {
      file: ((await broken.json()) as { file: string }).file,
    });
    const { error } = await house.fetched(again.headers['location']);
    assert.match(error?.message ?? '', /P-0AB1\/0\.xml\) cannot be read: line \d+/);
  });
});
