/** The KNX installation of `npm run demo`: a light that tells its state and a room with a temperature, behind a knxd of its own. */
import assert from 'node:assert/strict';
import type { KnxHouse } from '../../../scripts/demo/knx-house.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { Daemon } from '../../support/daemon.ts';
import { freeUdpPort } from '../../support/knxd.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

interface DeviceView {
  id: string;
  name: string;
}
interface Page {
  data: { data: Record<string, unknown> }[];
}

describe('the KNX installation of the demo', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon | undefined;
  let house: KnxHouse | undefined;

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    folder = tempFolder();
    // read when the module is loaded
    process.env['SIMULATED_KNX_PORT'] = String(await freeUdpPort());
    const { KnxHouse } = await import('../../../scripts/demo/knx-house.ts');
    house = await KnxHouse.start();
    daemon = await Daemon.start({ dataFolder: folder.path });
  });

  after(async () => {
    delete process.env['SIMULATED_KNX_PORT'];
    await daemon?.stop();
    await house?.stop();
    folder?.remove();
  });

  it('is paired, measures, and does what it is told', async () => {
    if (house === undefined || daemon === undefined) throw new Error('the demo has no KNX');
    await house.pair(daemon.api);
    const { api } = daemon;
    const devices = await api.get<DeviceView[]>('/device/v1/devices');
    const idOf = (name: string) => devices.find((each) => each.name === name)?.id;
    const readingsOf = async (name: string) =>
      (await api.get<Page>(`/device/v1/devices/${idOf(name)}/data`)).data.map(({ data }) => data);
    const measured = await until('the room is measured', async () => (await readingsOf('Demo KNX room'))[0]);
    assert.ok(Math.abs(Number(measured['temperature']) - 21) < 3, JSON.stringify(measured));
    assert.equal(measured['temperature_unit'], '°C');
    const light = `/device/v1/control/${idOf('Demo KNX light')}/set`;
    assert.equal((await api.call('POST', light, { light: true })).status, 200);
    await until('the light tells that it is on', async () =>
      (await readingsOf('Demo KNX light')).some((reading) => reading['light'] === true),
    );
  });

  it('is there again when the demo is started again', async () => {
    if (house === undefined || daemon === undefined) throw new Error('the demo has no KNX');
    await house.pair(daemon.api);
    const devices = await daemon.api.get<DeviceView[]>('/device/v1/devices');
    assert.equal(devices.filter(({ name }) => name.startsWith('Demo KNX')).length, 2);
  });
});
