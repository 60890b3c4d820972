/**
 * A KNX bus, whole: knxtool on one side, REST and socket.io on the other, the real daemon, add-on process and knxd
 * between.
 */
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { reasonToSkip } from '../../scripts/peers/peers.ts';
import { Daemon } from '../support/daemon.ts';
import { projectArchive } from '../support/knx-project.ts';
import { type HeardTelegram, Knxd } from '../support/knxd.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface DeviceView {
  id: string;
  status: { eventType: string; reason?: { code: string; message: string; hint?: string } };
  availability?: { online: boolean; reason?: string };
  address?: { answered: string[]; unanswered: string[] };
}
interface Reading {
  deviceId: string;
  payload: Record<string, unknown>;
}
interface Fetched {
  status?: string;
  response?: unknown;
  error?: { code: string; message: string };
}

const KNX_DEVICE_TYPE = '8d6f3b52-6b0c-4f0e-9a55-2f4c1d7be3a1';

describe('a KNX installation', function () {
  this.timeout(60_000);
  const folder = tempFolder();
  let knxd: Knxd;
  let daemon: Daemon;
  let heard: HeardTelegram[];
  let socket: ReturnType<typeof io>;
  const readings: Reading[] = [];

  before(async function () {
    if (reasonToSkip('knxd')) this.skip();
    knxd = await Knxd.start();
    heard = await knxd.listen();
    daemon = await Daemon.start({ dataFolder: folder.path, environment: { ON_PREMISE_ANONYMOUS: 'all' } });
    socket = io(daemon.url);
    socket.on('data', (reading: Reading) => readings.push(reading));
    await until('the socket is connected', () => socket.connected);
  });

  after(async () => {
    socket?.disconnect();
    await daemon?.stop();
    await knxd?.stop();
    folder.remove();
  });

  const device = (id: string) => daemon.api.get<DeviceView>(`/device/v1/devices/${id}`);
  const writesTo = (destination: string) =>
    heard
      .filter((each) => each.service === 'Write' && each.destination === destination)
      .map(({ value }) => value);

  async function protocolIs(state: string): Promise<string> {
    const { reason = '' } = await until(`KNX is ${state}`, async () => {
      const protocol = await daemon.api.get<{ state: string; reason?: string }>('/device/v1/protocols/knx');
      return protocol.state === state && protocol;
    });
    return reason;
  }

  async function paired(parameters: object): Promise<DeviceView> {
    const body = { name: 'knx', type: KNX_DEVICE_TYPE, parameters };
    const { id } = await daemon.api.send<DeviceView>('POST', '/device/v1/devices', body);
    await daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    return until('the pairing ends', async () => {
      const now = await device(id);
      return now.status.eventType !== 'discovering' && now.status.eventType !== 'created' && now;
    });
  }

  async function fetched(location: unknown): Promise<Fetched> {
    return until('the result is there', async () => {
      const answer = await daemon.api.get<Fetched>(String(location));
      return answer.status !== 'pending' && answer;
    });
  }

  const set = (id: string, body: object) =>
    daemon.api.call<{ code: string }>('POST', `/device/v1/control/${id}/set`, body);

  it('is looked for before its address is known', async () => {
    await daemon.api.send('POST', '/device/v1/protocols/knx/installation');
    assert.match(await protocolIs('degraded'), /no KNXnet\/IP server is given/);
    const scan = await daemon.api.call<unknown[]>('POST', '/device/v1/protocols/knx/scan');
    assert.equal(scan.status, 200, JSON.stringify(scan.body));
    await until('the installation is over', async () => {
      const { status } = await daemon.api.get<{ status: string }>('/device/v1/protocols/knx');
      return status === 'installed';
    });
    await daemon.api.send('DELETE', '/device/v1/protocols/knx/installation');
    await until('it is removed', async () => {
      const { status } = await daemon.api.get<{ status: string }>('/device/v1/protocols/knx');
      return status === 'notInstalled';
    });
  });

  it('is installed, paired, read, written and watched over REST and socket.io', async () => {
    await daemon.api.send('POST', '/device/v1/protocols/knx/installation', {
      parameters: { ip_address: '127.0.0.1', port: knxd.port },
    });
    await protocolIs('running');
    const { id, status } = await paired({
      datapoints: [
        { name: 'light', group_address: '1/0/1', dpt: '1.001' },
        { name: 'level', group_address: '1/0/2', status_address: '1/1/2', dpt: '5.001' },
        { name: 'temperature', group_address: '1/0/3', dpt: '9.001', flags: ['read', 'listen'] },
      ],
    });
    assert.equal(status.eventType, 'paired');
    const found = (await device(id)).address;
    assert.deepEqual([found?.answered, found?.unanswered], [[], ['light', 'level', 'temperature']]);
    await until('the device is there', async () => (await device(id)).availability?.online === true);

    await knxd.write('1/0/3', '0c33');
    await knxd.write('1/1/2', 'ff');
    const mine = () => readings.filter(({ deviceId }) => deviceId === id).map(({ payload }) => payload);
    await until('socket.io has told both', () => mine().length >= 2);
    assert.deepEqual(mine(), [
      { temperature: 21.5, temperature_unit: '°C' },
      { level: 100, level_unit: '%' },
    ]);
    const { data } = await daemon.api.get<{ data: { data: unknown }[] }>(`/device/v1/devices/${id}/data`);
    assert.deepEqual(
      data.map((reading) => reading.data),
      mine(),
    );

    assert.equal((await set(id, { light: true, level: 50 })).status, 200);
    await until('the bus has heard both', () => writesTo('1/0/2').length > 0);
    assert.deepEqual([writesTo('1/0/1'), writesTo('1/0/2')], [['01'], ['80']]);

    const refused = await set(id, { light: false, level: 500 });
    assert.deepEqual([refused.status, refused.body.code], [400, 'badRequest']);
    assert.match(JSON.stringify(refused.body), /500 is no value of DPT 5\.001.*0 to 100/);
    assert.deepEqual(writesTo('1/0/1'), ['01']);

    const reads = () =>
      heard.filter((each) => each.service === 'Read' && each.destination === '1/0/3').length;
    const before = reads();
    const asked = await daemon.api.call('POST', `/device/v1/control/${id}/status`, {
      datapoints: ['temperature'],
    });
    await until('it is asked', () => reads() > before);
    await knxd.respond('1/0/3', '8a24');
    assert.deepEqual((await fetched(asked.headers['location'])).response, {
      temperature: -30,
      temperature_unit: '°C',
    });

    const monitor = await daemon.api.call('POST', '/device/v1/protocols/knx/actions/busMonitor', {
      limit: 500,
    });
    const { telegrams } = (await fetched(monitor.headers['location'])).response as {
      telegrams: { direction: string; destination: string; known?: unknown[] }[];
    };
    const own = telegrams.find(
      ({ direction, destination }) => direction === 'out' && destination === '1/0/2',
    );
    assert.deepEqual(own?.known, [{ deviceId: id, name: 'level', value: 50, unit: '%' }]);
  });

  it('is watched live by who asks for it', async () => {
    const watching = io(daemon.url, { query: { events: 'bus' } });
    try {
      const told: { destination: string; raw?: string; known?: object[] }[] = [];
      watching.on('bus_telegrams', ({ telegrams }: { telegrams: typeof told }) => told.push(...telegrams));
      await until('the socket is connected', () => watching.connected);
      const begun = await daemon.api.call('POST', '/device/v1/protocols/knx/actions/watchBus', {
        seconds: 60,
      });
      await fetched(begun.headers['location']);
      await knxd.write('1/0/3', '0c33');
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
    const { status } = await paired({ group_address: '1/0/1', dpt: '1.001' });
    assert.deepEqual([status.eventType, status.reason?.code], ['not_paired', 'addressTaken']);
    const unknown = await paired({ group_address: '1/0/9', dpt: '99.001' });
    assert.match(unknown.status.reason?.message ?? '', /"99\.001"/);
    assert.ok(unknown.status.reason?.hint);
  });

  it('is taken over from an export of ETS: previewed, then created', async () => {
    const content = [
      '"Group name";"Address";"DatapointType"',
      '"Cellar";"3/-/-";""',
      '"Boiler";"3/0/1";"DPST-9-1"',
      '"Unknown";"3/0/2";""',
    ].join('\n');
    const begun = await daemon.api.call('POST', '/device/v1/protocols/knx/actions/importProject', {
      content,
    });
    const { devices, problems } = (await fetched(begun.headers['location'])).response as {
      devices: { name: string; parameters: object }[];
      problems: { line: number; message: string }[];
    };
    assert.deepEqual(
      problems.map(({ line }) => line),
      [4],
    );
    assert.equal(devices[0]?.name, 'Cellar');
    const { id } = await paired(devices[0].parameters);
    await knxd.write('3/0/1', '0c33');
    const told = await until('it is a reading', () => readings.find(({ deviceId }) => deviceId === id));
    assert.deepEqual(told.payload, { Boiler: 21.5, Boiler_unit: '°C' });
  });

  it('is taken over from a whole project of ETS: sent, previewed, made, and known when it comes again', async () => {
    const sent = await fetch(`${daemon.url}/device/v1/protocols/knx/files`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(projectArchive({ schema: 23 })),
    });
    assert.equal(sent.status, 201);
    const { file } = (await sent.json()) as { file: string };
    const begun = await daemon.api.call('POST', '/device/v1/protocols/knx/actions/importProject', {
      file,
      by: 'range',
    });
    const preview = (await fetched(begun.headers['location'])).response as {
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
      const path = '/device/v1/protocols/knx/devices';
      const { body } = await daemon.api.call<{ devices: { outcome: string; deviceId: string }[] }>(
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
    await until('it is paired', async () => (await device(id)).status.eventType === 'paired');
    await knxd.write('1/0/4', '80');
    const told = await until('it is a reading', () => readings.find(({ deviceId }) => deviceId === id));
    assert.deepEqual(told.payload, { 'Kitchen level': 50, 'Kitchen level_unit': '%' });
    assert.deepEqual(await imported(), [{ key: 'range-2-2303', outcome: 'unchanged', deviceId: id }]);

    const broken = await fetch(`${daemon.url}/device/v1/protocols/knx/files`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(projectArchive({ schema: 23, change: (xml) => xml.replace('</GroupRange>', '') })),
    });
    const again = await daemon.api.call('POST', '/device/v1/protocols/knx/actions/importProject', {
      file: ((await broken.json()) as { file: string }).file,
    });
    const { error } = await fetched(again.headers['location']);
    assert.match(error?.message ?? '', /P-0AB1\/0\.xml\) cannot be read: line \d+/);
  });

  it('keeps nothing back when the server goes away and comes again', async () => {
    const { id } = await paired({ group_address: '2/0/1', dpt: '1.001', flags: ['write', 'listen'] });
    await knxd.kill();
    // one that cannot wait so long is reported failed
    const given = await fetch(`${daemon.url}/device/v1/control/${id}/set`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=1' },
      body: JSON.stringify({ value: true }),
    });
    assert.deepEqual([given.status, ((await given.json()) as { code: string }).code], [503, 'deviceRefused']);
    const during = set(id, { value: true });
    assert.match(await protocolIs('degraded'), /127\.0\.0\.1.*does not answer/);
    await until('the device is away', async () => (await device(id)).availability?.online === false);
    await knxd.start();
    heard = await knxd.listen();
    assert.equal((await during).status, 200);
    await protocolIs('running');
    await until('the device is back', async () => (await device(id)).availability?.online === true);
    assert.equal((await set(id, { value: false })).status, 200);
    await until('the bus has heard it', () => writesTo('2/0/1').includes('00'));
  });
});
