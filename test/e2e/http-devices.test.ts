/**
 * HTTP devices with the real daemon: found in the network, paired by what was found, read, told something, reporting by
 * their webhook, lost at one address and found again at another; and nobody sees a password.
 */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { homewizard } from '../../addons/http/src/families/homewizard.ts';
import { shellyGen2 } from '../../addons/http/src/families/shelly-gen2.ts';
import { wled } from '../../addons/http/src/families/wled.ts';
import { HomeWizardP1 } from '../simulators/http/homewizard.ts';
import { ShellyPlusPlugS } from '../simulators/http/shelly-gen2.ts';
import { WledStrip } from '../simulators/http/wled.ts';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface DeviceView {
  id: string;
  status: { eventType: string; reason?: { code: string; message: string } };
  availability?: { online: boolean; reason?: string };
  address?: { hostname: string; identity: string };
  parameters: Record<string, unknown>;
  webhook: string;
}
interface Candidate {
  label: string;
  type: string;
  parameters: { hostname: string; port: number; identity: string };
  deviceId?: string;
}
interface Page {
  data: { data: { type: string; message: { data: Record<string, unknown> } }; ts: string }[];
}

const PASSWORD = 'correct horse battery staple';

describe('HTTP devices of known families', () => {
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  const strip = new WledStrip({ mac: '30AEA4E2E001' });
  const plug = new ShellyPlusPlugS({ mac: 'E86BEAE2E002', password: PASSWORD });
  const meter = new HomeWizardP1({ mac: '3C39E7E2E003' });

  before(async () => {
    folder = tempFolder();
    for (const [device, host] of [
      [strip, '127.0.7.1'],
      [plug, '127.0.7.2'],
      [meter, '127.0.7.3'],
    ] as const) {
      await device.start(0, host);
      device.announce();
    }
    daemon = await Daemon.start({ dataFolder: folder.path, environment: { ON_PREMISE_ANONYMOUS: 'all' } });
    await until('the HTTP add-on runs', async () => {
      const { parts } = await daemon.api.get<{ parts: Record<string, { state: string }> }>('/health/ready');
      return parts['addon:http']?.state === 'running';
    });
  });

  after(async () => {
    await daemon?.stop();
    for (const device of [strip, plug, meter]) await device.stop();
    folder.remove();
  });

  const device = (id: string) => daemon.api.get<DeviceView>(`/device/v1/devices/${id}`);
  const scan = () => daemon.api.send<Candidate[]>('POST', '/device/v1/protocols/http/scan');
  const found = async (identity: string) => {
    const candidate = (await scan()).find(({ parameters }) => parameters.identity === identity);
    assert.ok(candidate, `${identity} was not found`);
    return candidate;
  };

  /** One call, with what the scan said and what only its owner knows. */
  async function paired(
    name: string,
    { type, parameters }: Candidate,
    more: object = {},
  ): Promise<DeviceView> {
    const wanted = { name, type, parameters: { ...parameters, interval: 1, ...more }, pair: true };
    const created = await daemon.api.send<DeviceView>('POST', '/device/v1/devices', wanted);
    assert.equal(created.status.eventType, 'discovering');
    const ended = await until('the pairing ends', async () => {
      const now = await device(created.id);
      return now.status.eventType !== 'discovering' && now;
    });
    assert.equal(ended.status.eventType, 'paired', ended.status.reason?.message);
    return ended;
  }

  async function reading(id: string, isWanted: (values: Record<string, unknown>) => boolean = () => true) {
    return until('a reading', async () => {
      const { data } = await daemon.api.get<Page>(`/device/v1/devices/${id}/data?sort=-ts&perPage=100`);
      return data.map(({ data: { message } }) => message.data).find(isWanted);
    });
  }

  it('are found, paired by one call, read, and told something by name', async () => {
    const candidate = await found(meter.mac);
    assert.equal(candidate.type, homewizard.typeId);
    assert.deepEqual([candidate.parameters.hostname, candidate.parameters.port], ['127.0.7.3', meter.port]);
    const { id } = await paired('meter', candidate);
    assert.equal((await reading(id))['power'], 543);
    const history = await daemon.api.get<{ attr: string; value: number }[]>(
      `/history/device/${id}/history?attr=power&lastN=1`,
    );
    assert.deepEqual([history[0]?.attr, history[0]?.value], ['power', 543]);
    assert.equal((await found(meter.mac)).deviceId, id);
    const { status, body } = await daemon.api.call<{ code: string }>('POST', `/device/v1/control/${id}/set`, {
      state: 'ON',
    });
    assert.deepEqual([status, body.code], [400, 'badRequest']);
  }).timeout(60_000);

  it('log in, are switched by value and by the documented raw form, and keep their password to themselves', async () => {
    const heard: unknown[] = [];
    const socket = io(daemon.url);
    socket.onAny((...event) => heard.push(event));
    try {
      const candidate = await found(plug.mac);
      assert.equal(candidate.type, shellyGen2.typeId);
      const { id, parameters } = await paired('plug', candidate, { authentication: { password: PASSWORD } });
      assert.deepEqual(parameters['authentication'], {});
      await daemon.api.send('POST', `/device/v1/control/${id}/set`, { state: 'ON' });
      assert.equal(plug.on, true);
      await reading(id, ({ state }) => state === 'ON');
      const raw = await fetch(`${daemon.url}/device/v1/control/${id}/set?id=0&on=false`, {
        method: 'POST',
        headers: { 'instathings-path': '/rpc/Switch.Set', 'instathings-method': 'GET' },
      });
      assert.deepEqual([raw.status, plug.on], [200, false]);
      const refused = await fetch(`${daemon.url}/device/v1/control/${id}/set?id=9&on=false`, {
        method: 'POST',
        headers: { 'instathings-path': '/rpc/Switch.Set', 'instathings-method': 'GET' },
      });
      const { code, message, deviceStatus } = (await refused.json()) as Record<string, unknown>;
      assert.deepEqual([refused.status, code, deviceStatus], [503, 'deviceRefused', 500]);
      assert.match(String(message), /value 9 not found/);
      await until('the socket has heard of it', () => heard.length > 0);
      const shown = [await daemon.api.get('/device/v1/devices'), heard, daemon.log, daemon.errors];
      assert.doesNotMatch(JSON.stringify(shown), new RegExp(PASSWORD));
    } finally {
      socket.disconnect();
    }
    const open = readdirSync(folder.path).filter((name) => /\.sqlite|gate\.db/.test(name));
    assert.ok(open.length > 0);
    for (const name of open) assert.equal(statSync(join(folder.path, name)).mode & 0o077, 0, name);
  }).timeout(60_000);

  it('report by their webhook, which is on disk when it is answered', async () => {
    const push = 'b3426c06-a3c6-4e97-bfc3-c6237fa15d8f';
    const created = await daemon.api.send<DeviceView>('POST', '/device/v1/devices', {
      name: 'button',
      type: push,
      pair: true,
    });
    await until('it is paired', async () => (await device(created.id)).status.eventType === 'paired');
    assert.equal((await fetch(`${daemon.url}${created.webhook}?event=S&battery=7`)).status, 200);
    await daemon.kill();
    daemon = await Daemon.start({ dataFolder: folder.path, environment: { ON_PREMISE_ANONYMOUS: 'all' } });
    assert.deepEqual(await reading(created.id), { event: 'S', battery: 7 });
    assert.equal((await device(created.id)).webhook, created.webhook);
    assert.equal((await fetch(`${daemon.url}/hooks/${created.id}.wrong`)).status, 404);
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    assert.match(metrics, /gate_webhook_calls_total\{result="wrongToken"\} 1/);
    const secret = String(created.webhook.split('.')[1]);
    assert.doesNotMatch(JSON.stringify([daemon.log, daemon.errors]), new RegExp(secret));
  }).timeout(60_000);

  it('are lost, and found again where they are now', async () => {
    await until('the HTTP add-on runs', async () => {
      const { parts } = await daemon.api.get<{ parts: Record<string, { state: string }> }>('/health/ready');
      return parts['addon:http']?.state === 'running';
    });
    const candidate = await found(strip.mac);
    assert.equal(candidate.type, wled.typeId);
    const { id } = await paired('strip', candidate);
    await reading(id);
    await strip.moveTo('127.0.7.77');
    await until('it is offline', async () => (await device(id)).availability?.online === false, 30_000);
    await until(
      'it is found again',
      async () => (await device(id)).address?.hostname === '127.0.7.77',
      40_000,
    );
    await until('it is online', async () => (await device(id)).availability?.online === true, 30_000);
    await daemon.api.send('POST', `/device/v1/control/${id}/set`, { state: 'OFF' });
    assert.equal(strip.state.on, false);
    await reading(id, ({ state }) => state === 'OFF');
  }).timeout(90_000);
});
