/** Installing, updating and removing add-ons at the real daemon, heard through socket.io as an application does. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { Daemon } from '../support/daemon.ts';
import { addForeignAddon } from '../support/foreign-addon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const GOOD = `
  import mqtt from 'MQTT';
  const { GATE_BROKER_URL, GATE_ADDON, GATE_ADDON_TOKEN } = process.env;
  const client = mqtt.connect(GATE_BROKER_URL, { clientId: GATE_ADDON, username: GATE_ADDON, password: GATE_ADDON_TOKEN,
    protocolVersion: 4, keepalive: 5, reconnectPeriod: 0 });
  const state = JSON.stringify({ state: 'running', contract: 1, version: '1' });
  client.on('connect', () => {
    console.log('here I am, VERSION');
    client.publish('gate/addons/' + GATE_ADDON + '/state', state, { qos: 1, retain: true });
  });
  client.on('close', () => process.exit(1));
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('SIGTERM', () => process.exit(0));
`.replace('MQTT', import.meta.resolve('mqtt'));
const BROKEN = `console.log('trying'); console.error('Error: no stick in /dev/ttyUSB9'); process.exitCode = 7;`;

interface Installation {
  dt_install: number;
  protocol: string;
  protocolId: string;
  exitStatus: number;
  installationSuccess: boolean;
  stdout: string;
  stderr: string;
  versions: Record<string, string>;
  newContainers: string[];
  projectId: string;
  deviceId: string;
}
interface Protocol {
  status: string;
  state: string;
  reason?: string;
  version: string;
}

describe('an installation', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  let socket: Socket;
  let ended: { name: string; event: Installation }[];
  let progress: string[];

  beforeEach(async () => {
    folder = tempFolder();
    put('1.0.0', GOOD);
    addForeignAddon(folder.path, { slug: 'stick', program: BROKEN });
    daemon = await Daemon.start({ dataFolder: folder.path, environment: { ON_PREMISE_ANONYMOUS: 'all' } });
    await listen();
  });
  afterEach(async () => {
    socket.close();
    assert.equal(await daemon.stop(), 0);
    folder.remove();
  });

  async function listen(): Promise<void> {
    [ended, progress] = [[], []];
    socket = io(daemon.url, { transports: ['websocket'], query: { events: 'installation' } });
    for (const name of ['installation_succeded', 'installation_failed'])
      socket.on(name, ({ event }) => ended.push({ name, event }));
    socket.on('installation_progress', ({ protocol, status }) => progress.push(`${protocol} ${status}`));
    await new Promise<void>((resolve) => socket.on('connect', resolve));
  }

  const path = (slug: string) => `/device/v1/protocols/${slug}`;
  const protocol = (slug: string) => daemon.api.get<Protocol>(path(slug));
  const call = (method: string, slug: string, body?: object) =>
    daemon.api.call<Protocol & { message: string; hint?: string }>(
      method,
      `${path(slug)}/installation`,
      body,
    );
  const heard = (count: number) =>
    until(
      `${count} ends are heard`,
      () => ended.length >= count && (ended[count - 1] as (typeof ended)[number]),
    );

  /** The notification of this subject. */
  const notified = (subject: string) =>
    until(`a notification ${subject}`, async () => {
      const { notifications } = await daemon.api.get<{
        notifications: { message: string; subject: string }[];
      }>('/history/notifications/history');
      return notifications.find((notification) => notification.subject === subject);
    });

  /** The add-on `good`, in this version. */
  function put(version: string, program: string): void {
    addForeignAddon(folder.path, { slug: 'good', program: program.replace('VERSION', version) });
    const file = join(folder.path, 'addons/good/addon.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...manifest, version }));
  }

  async function installGood(): Promise<void> {
    await call('POST', 'good');
    await heard(1);
  }

  it('that succeeds is told as documented, with what the add-on wrote', async () => {
    const { status, body } = await call('POST', 'good');
    assert.deepEqual([status, body.status], [202, 'installing']);
    const { name, event } = await heard(1);
    assert.equal(name, 'installation_succeded');
    assert.deepEqual(Object.keys(event), [
      'dt_install',
      'protocol',
      'protocolId',
      'exitStatus',
      'installationSuccess',
      'stdout',
      'stderr',
      'versions',
      'newContainers',
      'projectId',
      'deviceId',
    ]);
    const { dt_install, projectId, deviceId, versions, ...rest } = event;
    assert.deepEqual(rest, {
      protocol: 'good',
      protocolId: 'good',
      exitStatus: 0,
      installationSuccess: true,
      stdout: 'here I am, 1.0.0\n',
      stderr: '',
      newContainers: ['good'],
    });
    assert.equal(versions['good'], 'good:1.0.0');
    assert.match(versions['gate'] ?? '', /^instathings\/gate:\d+\.\d+\.\d+$/);
    assert.equal(Math.abs(Date.now() - dt_install) < 60_000, true);
    const [gateway] = await daemon.api.get<{ id: string; projectId: string }[]>('/device/v1/devices');
    assert.deepEqual([projectId, deviceId], [gateway?.projectId, gateway?.id]);
    const { state, ...now } = await protocol('good');
    assert.deepEqual([now.status, state], ['installed', 'running']);
    assert.deepEqual(progress, ['good installing', 'good installed']);
  });

  it('that fails is told with its last words and exit code, and counts once the add-on comes up after all', async () => {
    await call('POST', 'stick');
    const { name, event } = await heard(1);
    assert.equal(name, 'installation_failed');
    assert.deepEqual(
      [event.exitStatus, event.installationSuccess, event.stdout, event.stderr, event.newContainers],
      [7, false, 'trying\n', 'Error: no stick in /dev/ttyUSB9\n', []],
    );
    assert.deepEqual(Object.keys(event.versions), ['gate']);
    const { status, reason } = await protocol('stick');
    assert.equal(status, 'failed');
    assert.match(reason ?? '', /exited with code 7.*no stick/);
    // the stick is plugged in
    writeFileSync(join(folder.path, 'addons/stick/main.mjs'), GOOD);
    assert.equal((await heard(2)).name, 'installation_succeded');
    assert.equal((await protocol('stick')).status, 'installed');
  });

  it('that failed may be tried again at once', async () => {
    await call('POST', 'stick');
    await heard(1);
    writeFileSync(join(folder.path, 'addons/stick/main.mjs'), GOOD);
    assert.equal((await call('POST', 'stick')).status, 202);
    await until('it has succeeded', () => ended.some(({ name }) => name === 'installation_succeded'));
    assert.equal((await call('POST', 'stick')).status, 409);
  });

  it('is updated to what lies in its folder', async () => {
    await installGood();
    put('1.1.0', GOOD);
    const { status, body } = await call('PUT', 'good', { version: '1.1.0' });
    assert.deepEqual([status, body.status, body.version], [202, 'updating', '1.1.0']);
    const { name, event } = await heard(2);
    assert.deepEqual(
      [name, event.stdout, event.versions['good']],
      ['installation_succeded', 'here I am, 1.1.0\n', 'good:1.1.0'],
    );
    assert.equal((await notified('update_installed')).message, 'add-on "good" was updated to 1.1.0');
    // the same version, read anew
    put('1.1.0', GOOD.replace('here I am', 'changed'));
    assert.equal((await call('PUT', 'good')).status, 202);
    assert.equal((await heard(3)).event.stdout, 'changed, 1.1.0\n');
  });

  it('whose update fails goes back to the version that ran, on disk too', async () => {
    await installGood();
    const kept = join(folder.path, 'addons-kept/good.kept');
    await until('a copy is kept', () => existsSync(kept));
    put('2.0.0', BROKEN);
    await call('PUT', 'good', { version: '2.0.0' });
    const { name, event } = await heard(2);
    assert.deepEqual([name, event.stderr], ['installation_failed', 'Error: no stick in /dev/ttyUSB9\n']);
    const back = await until('the old one runs', async () => {
      const now = await protocol('good');
      return now.state === 'running' && now;
    });
    assert.deepEqual([back.status, back.version], ['installed', '1.0.0']);
    assert.match(
      back.reason ?? '',
      /the update to 2\.0\.0 failed: .*1\.0\.0 is back, and what failed lies in .*\.good\.failed/,
    );
    assert.match(readFileSync(join(folder.path, 'addons/.good.failed/addon.json'), 'utf8'), /2\.0\.0/);
    assert.match(
      (await notified('update_failed')).message,
      /^add-on "good" could not be updated to 2\.0\.0: /,
    );
    socket.close();
    assert.equal(await daemon.stop(), 0);
    daemon = await Daemon.start({ dataFolder: folder.path });
    const after = await until('it runs after a restart', async () => {
      const now = await protocol('good');
      return now.state === 'running' && now;
    });
    assert.equal(after.version, '1.0.0');
  });

  it('refuses an update that it cannot make, says why, and leaves what runs alone', async () => {
    assert.equal((await call('PUT', 'good')).status, 409);
    await installGood();
    const missing = await call('PUT', 'good', { version: '9.0.0' });
    assert.equal(missing.status, 409);
    assert.match(
      `${missing.body.message}; ${missing.body.hint}`,
      /folder holds 1\.0\.0; put version 9\.0\.0 into /,
    );
    const image = await call('PUT', 'good', { image: 'a/b:1' });
    assert.deepEqual([image.status, /has no image/.test(image.body.message)], [409, true]);
    assert.notEqual(image.body.hint, undefined);
    writeFileSync(join(folder.path, 'addons/good/addon.json'), '{');
    const broken = await call('PUT', 'good');
    assert.equal(broken.status, 409);
    assert.match(broken.body.message, /is not valid JSON/);
    assert.equal((await call('PUT', 'good', { version: 7 })).status, 400);
    assert.deepEqual([(await protocol('good')).state, ended.length], ['running', 1]);
  });

  it('is removed with progress; with devices only by force', async () => {
    await installGood();
    const device = { name: 'good', type: 'type-good' };
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', device);
    const refused = await call('DELETE', 'good');
    assert.deepEqual([refused.status, /1 devices?/.test(refused.body.message)], [409, true]);
    const { status, body } = await daemon.api.call<Protocol>(
      'DELETE',
      `${path('good')}/installation?force=true`,
    );
    assert.deepEqual([status, body.status], [202, 'removing']);
    const gone = await until('it is gone', async () => {
      const now = await protocol('good');
      return now.status === 'notInstalled' && now;
    });
    assert.equal(gone.state, 'stopped');
    assert.deepEqual(progress.slice(2), ['good removing', 'good notInstalled']);
    assert.equal((await daemon.api.call('GET', `/device/v1/devices/${id}`)).status, 200);
    await until('its copy is gone', () => !existsSync(join(folder.path, 'addons-kept/good')));
  });

  it('of a folder that came meanwhile begins with its manifest', async () => {
    addForeignAddon(folder.path, { slug: 'late', program: GOOD });
    const manifest = JSON.parse(readFileSync(join(folder.path, 'addons/late/addon.json'), 'utf8'));
    const other = await daemon.api.call('POST', '/device/v1/protocols', { ...manifest, version: '3.0.0' });
    assert.equal(other.status, 409);
    assert.equal((await daemon.api.call('POST', '/device/v1/protocols', manifest)).status, 201);
    await call('POST', 'late');
    assert.equal((await heard(1)).event.protocol, 'late');
    await daemon.api.send('DELETE', path('late'));
    assert.equal(existsSync(join(folder.path, 'addons/late/main.mjs')), true);
    assert.equal((await daemon.api.call('GET', path('late'))).status, 404);
    assert.equal((await daemon.api.call('POST', '/device/v1/protocols', manifest)).status, 201);
  });

  it('is heard by administrators only', async () => {
    assert.equal(await daemon.stop(), 0);
    daemon = await Daemon.start({ dataFolder: folder.path });
    const stranger = io(daemon.url, {
      transports: ['websocket'],
      query: { events: 'installation' },
      reconnection: false,
    });
    const { message } = await new Promise<Error>((resolve) => stranger.on('connect_error', resolve));
    stranger.close();
    assert.match(message, /"installation", which this caller may not hear/);
  });
});
