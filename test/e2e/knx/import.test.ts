/** What was commissioned in ETS becomes devices: previewed, made, paired, read, and known when it comes again. */
import assert from 'node:assert/strict';
import { projectArchive } from '../../support/knx-project.ts';
import { until } from '../../support/until.ts';
import { zipArchive } from '../../support/zip-archive.ts';
import { KNX, KnxInstallation } from './support/knx-installation.ts';

describe('an installation of ETS', function () {
  this.timeout(120_000);
  let house: KnxInstallation;

  before(async function () {
    house = await KnxInstallation.reached(this);
  });

  after(() => house?.stop());

  interface Preview {
    source: { name: string };
    devices: { key: string; name: string; parameters: { datapoints: object[] } }[];
    problems: { line: number; address: string }[];
    statusAddresses: { address: string; because: string; taken: boolean }[];
  }
  interface Made {
    key: string;
    outcome: string;
    deviceId: string;
  }

  const preview = async (parameters: object) =>
    (await house.action('importProject', parameters)).response as Preview;

  async function imported(devices: Preview['devices']): Promise<Made[]> {
    const { body } = await house.daemon.api.call<{ devices: Made[] }>('POST', `${KNX}/devices`, { devices });
    return body.devices;
  }

  async function readingOf(deviceId: string) {
    const told = await until('it is a reading', () =>
      house.readings.find((reading) => reading.deviceId === deviceId),
    );
    return told.payload;
  }

  it('becomes devices out of a whole project, once', async () => {
    const file = await house.sendFile(projectArchive({ schema: 23 }));
    const { source, devices, problems } = await preview({ file });
    assert.equal(source.name, 'House at the lake');
    assert.deepEqual(
      devices.map(({ name }) => name),
      ['Hall Light', 'Kitchen Light', 'Temperatures'],
    );
    assert.deepEqual(
      problems.map(({ address }) => address),
      ['3/0/2'],
    );
    const made = await imported(devices);
    assert.deepEqual(
      made.map(({ outcome }) => outcome),
      ['created', 'created', 'created'],
    );
    for (const { deviceId } of made) {
      await until('it is paired', async () => (await house.device(deviceId)).status.eventType === 'paired');
    }
    await house.knxd.write('1/0/4', '80');
    assert.deepEqual(await readingOf(made[1]?.deviceId ?? ''), {
      'Kitchen level': 50,
      'Kitchen level_unit': '%',
    });
    assert.equal((await house.set(made[0]?.deviceId ?? '', { 'Hall light': true })).status, 200);
    await until('the bus has heard it', () => house.writesTo('1/0/1').includes('01'));

    const again = await imported((await preview({ file })).devices);
    assert.deepEqual(
      again.map(({ outcome, deviceId }) => [outcome, deviceId]),
      made.map(({ deviceId }) => ['unchanged', deviceId]),
    );
  });

  it("brings the addresses where states are told, and types of the makers' catalogues", async () => {
    const file = await house.sendFile(projectArchive({ schema: 23, wired: true }));
    const { devices } = await preview({ file });
    const cellar = devices.find(({ name }) => name === 'Cellar');
    assert.deepEqual(cellar?.parameters.datapoints, [
      { name: 'Lamp', group_address: '4/0/1', status_address: '4/0/2', dpt: '1.001' },
      { name: 'Blind to', group_address: '4/0/3', status_address: '4/0/4', dpt: '5.001' },
    ]);
    const [made] = await imported(cellar ? [cellar] : []);
    const id = made?.deviceId ?? '';
    await until('it is paired', async () => (await house.device(id)).status.eventType === 'paired');
    await until('it is there', async () => (await house.device(id)).availability?.online === true);
    assert.equal((await house.set(id, { Lamp: true })).status, 200);
    await until('the bus has heard it', () => house.writesTo('4/0/1').includes('01'));
    // what was written is no state yet: the actuator tells it
    await house.knxd.write('4/0/2', 1);
    assert.deepEqual(await readingOf(id), { Lamp: true });
    assert.equal(house.readingsOf(id).length, 1);
  });

  it('becomes devices out of an export of its addresses as XML', async () => {
    const content = `<GroupAddress-Export xmlns="http://knx.org/xml/ga-export/01">
      <GroupRange Name="Garden" RangeStart="10240" RangeEnd="12287">
        <GroupAddress Name="Pump" Address="5/0/1" DPTs="DPST-1-1" />
        <GroupAddress Name="Pump state" Address="5/0/2" DPTs="DPST-1-11" />
        <GroupAddress Name="Odd" Address="5/0/3" DPTs="DPST-240-800" />
      </GroupRange>
    </GroupAddress-Export>`;
    const suggested = (await house.action('importProject', { content })).response as Preview;
    assert.deepEqual(
      suggested.statusAddresses.map(({ address, because, taken }) => [address, because, taken]),
      [['5/0/1', 'names', false]],
    );
    const { devices, problems } = await preview({ content, status: 'names' });
    assert.deepEqual(devices[0]?.parameters.datapoints, [
      { name: 'Pump', group_address: '5/0/1', status_address: '5/0/2', dpt: '1.001' },
    ]);
    assert.deepEqual(
      problems.map(({ line, address }) => [line, address]),
      [[5, '5/0/3']],
    );
    const [made] = await imported(devices);
    const id = made?.deviceId ?? '';
    await until('it is paired', async () => (await house.device(id)).status.eventType === 'paired');
    await until('it is there', async () => (await house.device(id)).availability?.online === true);
    await house.knxd.write('5/0/2', 1);
    assert.deepEqual(await readingOf(id), { Pump: true });
    const broken = await house.action('importProject', { content: content.replace('</GroupRange>', '') });
    assert.match(broken.error?.message ?? '', /cannot be read: line 7: /);
  });

  it('becomes devices out of an export of its addresses as CSV', async () => {
    const content = [
      '"Group name";"Address";"DatapointType"',
      '"Attic";"6/-/-";""',
      '"Boiler";"6/0/1";"DPST-9-1"',
      '"Unknown";"6/0/2";""',
    ].join('\n');
    const { devices, problems } = await preview({ content });
    assert.deepEqual(
      problems.map(({ line }) => line),
      [4],
    );
    const [made] = await imported(devices);
    const id = made?.deviceId ?? '';
    await until('it is paired', async () => (await house.device(id)).status.eventType === 'paired');
    await house.knxd.write('6/0/1', '0c33');
    assert.deepEqual(await readingOf(id), { Boiler: 21.5, Boiler_unit: '°C' });
  });

  it('is refused with the place where its file is broken, and by name when a password protects it', async () => {
    const cut = projectArchive({ schema: 23, change: (xml) => xml.replace('</GroupRange>', '') });
    const broken = await house.action('importProject', { file: await house.sendFile(cut) });
    assert.match(broken.error?.message ?? '', /P-0AB1\/0\.xml\) cannot be read: line \d+/);
    const locked = zipArchive([{ name: 'P-0AB1.zip', content: 'encrypted' }]);
    const refused = await house.action('importProject', { file: await house.sendFile(locked) });
    assert.match(refused.error?.message ?? '', /P-0AB1 is protected by a password/);
  });
});
