/**
 * The first journey, whole: a reading of the simulated plug through the real add-on process and the real daemon, to
 * REST and to socket.io clients of both generations.
 */
import assert from 'node:assert/strict';
import { io as io4 } from 'socket.io-client';
import io2 from 'socket.io-client-2';
import { ShellyPlugS } from '../simulators/shelly-plug-s.ts';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface DeviceView {
  id: string;
  status: { eventType: string; reason?: { code: string; message: string; hint?: string } };
  availability?: { online: boolean };
}
interface Page {
  data: { _id: string; data: Record<string, unknown>; deviceId: string; ts: string }[];
  totalItems: number;
}
interface DataEvent {
  deviceId: string;
  payload: Record<string, unknown>;
  ts: string;
}
/** What both generations of clients can do alike. */
interface AnySocket {
  on(event: string, listener: (fact: never) => void): unknown;
  disconnect(): unknown;
}

const HTTP_DEVICE_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';

describe('a reading, from the device to everyone', () => {
  let folder: ReturnType<typeof tempFolder>;
  let plug: ShellyPlugS;
  let port: number;
  let daemon: Daemon;
  let sockets: AnySocket[];

  before(async () => {
    folder = tempFolder();
    plug = new ShellyPlugS();
    port = await plug.start();
    daemon = await Daemon.start({ dataFolder: folder.path, environment: { ON_PREMISE_ANONYMOUS: 'all' } });
    sockets = [];
  });

  after(async () => {
    for (const socket of sockets) socket.disconnect();
    await daemon.stop();
    await plug.stop();
    folder.remove();
  });

  async function device(id: string): Promise<DeviceView> {
    return daemon.api.get<DeviceView>(`/device/v1/devices/${id}`);
  }

  async function paired(parameters: object): Promise<DeviceView> {
    await until('the HTTP add-on runs', async () => {
      const { parts } = await daemon.api.get<{ parts: Record<string, { state: string }> }>('/health/ready');
      return parts['addon:http']?.state === 'running';
    });
    const { id } = await daemon.api.send<DeviceView>('POST', '/device/v1/devices', {
      name: 'plug',
      type: HTTP_DEVICE_TYPE,
      parameters,
    });
    await daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    return until('the pairing ends', async () => {
      const now = await device(id);
      return now.status.eventType !== 'discovering' && now;
    });
  }

  it('comes out of REST and both generations of socket.io as it was measured', async () => {
    const heard: { client: string; event: string; fact: unknown }[] = [];
    const listen = (client: string, socket: AnySocket, events: string[]) => {
      sockets.push(socket);
      for (const event of events) socket.on(event, (fact) => heard.push({ client, event, fact }));
    };
    const { id, status } = await paired({ hostname: '127.0.0.1', port, interval: 1 });
    assert.equal(status.eventType, 'paired');
    listen('4.x', io4(daemon.url), ['data', `data_${id}`, id]);
    listen('2.x', io2(daemon.url), ['data', `data_${id}`, id]);

    const six = await until('both clients heard all three events', () => {
      const kinds = new Set(heard.map(({ client, event }) => `${client} ${event}`));
      return kinds.size === 6 && heard;
    });
    const { data: page } = await daemon.api.get<Page>(`/device/v1/devices/${id}/data?sort=-ts&perPage=100`);
    for (const client of ['2.x', '4.x']) {
      const of = (event: string) =>
        six.find((entry) => entry.client === client && entry.event === event)?.fact;
      const { deviceId, payload, ts } = of('data') as DataEvent;
      assert.equal(deviceId, id);
      const kept = page.find((reading) => reading.ts === ts);
      assert.deepEqual(kept?.data, payload);
      assert.equal(payload['type'], 'data');
      const measured = (payload['message'] as { data: { relays: unknown[]; temperature: number } }).data;
      assert.equal(Array.isArray(measured.relays) && typeof measured.temperature === 'number', true);
      const actions = six.filter((entry) => entry.client === client && entry.event === id);
      assert.equal(
        actions.some(({ fact }) => (fact as { action: string }).action === 'data'),
        true,
      );
      assert.equal((of(`data_${id}`) as { type: string }).type, 'data');
    }
    assert.match(String(page[0]?._id), /^[0-9a-f]{24}$/);
    assert.deepEqual(Object.keys(page[0] ?? {}), ['_id', 'data', 'deviceId', 'ts']);
  });

  it('comes from a virtual device once it is told to generate', async () => {
    const { id } = await daemon.api.send<DeviceView>('POST', '/device/v1/devices', {
      name: 'demo',
      isVirtual: true,
    });
    const readings = () => daemon.api.get<Page>(`/device/v1/devices/${id}/data`);
    assert.equal((await readings()).totalItems, 0);
    await daemon.api.send('PATCH', `/device/v1/devices/${id}`, { demoActive: true, frequency: 30 });
    const { data } = await until('a first reading', async () => {
      const page = await readings();
      return page.totalItems > 0 && page;
    });
    assert.equal(typeof data[0]?.data['value'], 'number');
    assert.equal(data[0]?.data['isVirtualData'], true);
  });

  it('says why a device was not paired, and what to do', async () => {
    const { status } = await paired({ hostname: '127.0.0.1', port: 1 });
    assert.equal(status.eventType, 'not_paired');
    assert.equal(status.reason?.code, 'unreachable');
    assert.match(String(status.reason?.message), /127\.0\.0\.1/);
    assert.notEqual(status.reason?.hint ?? '', '');
  });

  it('stops coming when its device is away, says so, and comes again', async () => {
    const away = new ShellyPlugS();
    const awayPort = await away.start();
    const { id } = await paired({ hostname: '127.0.0.1', port: awayPort, interval: 1 });
    await away.stop();
    await until('it is offline', async () => (await device(id)).availability?.online === false);
    const back = new ShellyPlugS();
    await back.start(awayPort);
    await until('it is online again', async () => (await device(id)).availability?.online === true);
    await back.stop();
  });
});
