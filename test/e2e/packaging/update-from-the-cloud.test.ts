/**
 * gate updated from afar: a Debian machine with its own systemd, a gate that was installed there, the cloud's broker with
 * mutual TLS, and a maker's server of releases. One machine's life, in order.
 */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { WebSocket } from 'ws';
import { signingKey } from '../../../scripts/package/signing.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { DebianMachine, reasonForNoMachine } from '../../support/debian-machine.ts';
import { LocalApi } from '../../support/local-api.ts';
import { PortInMachine } from '../../support/port-in-machine.ts';
import {
  makeKey,
  packageRelease,
  RUINS_THE_STORE,
  replaceFile,
  unpackRelease,
  type Variant,
  variantOf,
} from '../../support/release-maker.ts';
import { ReleaseServer } from '../../support/release-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from '../cloud/cloud-house.ts';

const UPDATE_MS = 180_000;
const VIRTUAL_TYPE = '48560709-1d22-4166-bbcc-8b111118f7a8';
const DEVICE = 'made-by-the-cloud';

interface VersionReport {
  versions: Record<string, string>;
  update?: { version: string; failure?: string };
}
interface SoftwareVersion {
  version: { gate: string };
  update?: { version: string; failure?: string };
}

describe('an update that the cloud asks for', function () {
  this.timeout(600_000);
  let folder: ReturnType<typeof tempFolder>;
  let machine: DebianMachine;
  let house: CloudHouse;
  let server: ReleaseServer;
  let release: string;
  let keyFile: string;
  let api: LocalApi;
  const ports: PortInMachine[] = [];

  before(async function () {
    const reason = reasonForNoMachine() ?? obstacle() ?? reasonToSkip('socat');
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      return this.skip();
    }
    this.timeout(900_000);
    folder = tempFolder();
    keyFile = makeKey(join(folder.path, 'key.pem'));
    machine = DebianMachine.unpack(folder.path);
    release = unpackRelease(packageRelease(join(folder.path, 'release'), { keyFile }), folder.path);
    cpSync(release, join(machine.root, 'root', basename(release)), {
      recursive: true,
      verbatimSymlinks: true,
    });
    house = await CloudHouse.open();
    server = await ReleaseServer.start();
    const credentials = join(machine.root, 'root/credentials');
    cpSync(house.credentials, credentials, { recursive: true });
    appendFileSync(join(credentials, '.env'), `UPDATE_URLS=${server.url}\nCLOUD_RETRY_MAX_SECONDS=1\n`);
    await machine.start();
    for (const port of [house.broker.port, server.port])
      ports.push(await PortInMachine.open(machine, { folder: folder.path, port }));
    await machine.demand(`/root/${basename(release)}/install.sh /root/credentials`);
    api = new LocalApi(join(machine.root, 'var/lib/gate/gate.sock'));
    await house.heard('discover', 'status', (told: { eventType: string }) => told.eventType === 'connected');
    await house.publish('discover', 'device/post', { idIn: DEVICE, name: 'doc', deviceType: VIRTUAL_TYPE });
    await house.heard('discover', 'device', ({ deviceId }: { deviceId: string }) => deviceId === DEVICE);
    return undefined;
  });
  after(async () => {
    for (const port of ports) await port.close();
    await machine?.remove();
    await server?.stop();
    await house?.close();
    folder?.remove();
  });

  const made = (version: string, more: Partial<Variant> = {}) =>
    variantOf(release, join(folder.path, `made-${version}`), { version, keyFile, ...more });
  const ask = (version: string, more: object = {}) =>
    house.publish('discover', 'software/update', { newSoftwareId: `instathings/gate:${version}`, ...more });
  const reports = () =>
    house.cloud.on(house.topic('discover', 'version')).map(({ payload }) => payload as VersionReport);
  /** Those of how an update to `version` ended. */
  const ends = (version: string) => reports().filter(({ update }) => update?.version === version);
  const ended = (version: string) =>
    house.heard<VersionReport>('discover', 'version', ({ update }) => update?.version === version, UPDATE_MS);
  const runs = async () => basename(await machine.demand('readlink /opt/gate/current'));
  const processId = () => machine.demand('systemctl show gate.service --property=MainPID --value');
  const notified = async (version: string) => {
    const { notifications } = await api.get<{ notifications: { subject: string; message: string }[] }>(
      '/history/notifications/history',
    );
    return notifications.filter(({ message }) => message.includes(` ${version}`));
  };
  const hasDevice = async () => {
    const devices = await api.get<{ id: string }[]>('/device/v1/devices');
    return devices.some(({ id }) => id === DEVICE);
  };

  /** What a client on the box is told of the software from the moment it is let in. */
  async function listening(): Promise<{ told: SoftwareVersion[]; socket: WebSocket }> {
    const { projectId } = house.place;
    const path = join(machine.root, 'var/lib/gate/gate.sock');
    const told: SoftwareVersion[] = [];
    const socket = await until('a client is let in', async () => {
      const trying = new WebSocket(`ws+unix://${path}:/?project=${projectId}`);
      trying.on('message', (text) => {
        const { action, payload } = JSON.parse(String(text));
        if (action === 'software_version') told.push(payload);
      });
      return new Promise<WebSocket>((resolve, reject) => {
        trying.once('open', () => resolve(trying));
        trying.on('error', reject);
      });
    });
    await until('it is told what runs', () => told.length > 0);
    return { told, socket };
  }

  async function softwareVersion(): Promise<SoftwareVersion> {
    const { told, socket } = await listening();
    socket.terminate();
    return told[0] as SoftwareVersion;
  }

  it('is fetched, checked and put in place, and told once, though the link breaks while it is fetched', async () => {
    const archive = await made('7.0.0');
    server.offer(archive);
    server.hold();
    await ask('7.0.0');
    await until('half of it has come', () => server.holds);
    await house.broker.stop();
    await house.broker.start();
    const asked = 'journalctl --unit=gate --output=cat --no-pager | grep -c "the cloud asks: updateSoftware"';
    await until('the broker has delivered the command again', async () => {
      const { stdout } = await machine.run(asked);
      return Number(stdout) >= 2;
    });
    server.letGo();
    const { versions, update } = await ended('7.0.0');
    assert.deepEqual([versions['gate'], update], ['instathings/gate:7.0.0', { version: '7.0.0' }]);
    assert.equal(await runs(), '7.0.0');
    assert.deepEqual((await softwareVersion()).version, { gate: 'instathings/gate:7.0.0' });
    assert.ok(await hasDevice());
    assert.deepEqual(
      (await notified('7.0.0')).map(({ message }) => message),
      ['gate was updated to 7.0.0'],
    );
    assert.deepEqual([ends('7.0.0').length, server.begun(archive)], [1, 1]);
  });

  it('to the version that runs is told as done, and nothing is fetched', async () => {
    const id = await processId();
    await ask('7.0.0');
    await until('it is told', () => ends('7.0.0').length === 2);
    assert.deepEqual(ends('7.0.0')[1]?.update, { version: '7.0.0' });
    assert.equal(server.asked.filter((name) => name.includes('-7.0.0-')).length, 3);
    assert.equal((await notified('7.0.0')).length, 1);
    assert.equal(await processId(), id);
  });

  it('to a release that does not come up is taken back with its store, and the cloud is told why', async () => {
    const change = (tree: string) => replaceFile(join(tree, 'app/src/main.js'), RUINS_THE_STORE);
    const archive = await made('8.0.0', { store: 99, change });
    server.offer(archive);
    server.breaks = true;
    await ask('8.0.0');
    const { versions, update } = await ended('8.0.0');
    assert.equal(versions['gate'], 'instathings/gate:7.0.0');
    assert.match(String(update?.failure), /^it ended by itself \d+ times/);
    assert.equal(await runs(), '7.0.0');
    assert.deepEqual((await softwareVersion()).version, { gate: 'instathings/gate:7.0.0' });
    assert.ok(await hasDevice());
    const [notification] = await notified('8.0.0');
    assert.match(String(notification?.message), /^gate could not be updated to 8\.0\.0: it ended by itself/);
    // the line broke half-way, and was taken up there
    assert.match(
      String(server.asked.find((line) => line.includes(' bytes='))),
      /^gate-8\.0\.0-.* bytes=\d+-$/,
    );
    assert.deepEqual([ends('8.0.0').length, server.begun(archive)], [1, 1]);
  });

  for (const [what, version, reason, more] of [
    ['that is not there', '9.9.9', /gate-9\.9\.9-linux-\w+\.tar\.gz.* was answered 404/],
    ['of another maker', '9.0.0', /is not signed by a key that this gateway trusts/],
    ['whose time is over', '9.1.0', /its deadline passed at 1970-/, { deadline: 1 }],
  ] as const) {
    it(`to a release ${what} is refused with the reason, and what runs goes on`, async () => {
      if (version === '9.0.0') server.offer(await bySomebodyElse(version));
      const id = await processId();
      const { told, socket } = await listening();
      await ask(version, more);
      const { versions, update } = await ended(version);
      assert.equal(versions['gate'], 'instathings/gate:7.0.0');
      assert.match(String(update?.failure), reason);
      await until('clients are told', () => told.some((each) => each.update?.version === version));
      socket.terminate();
      assert.match(String(told.at(-1)?.update?.failure), reason);
      assert.match(String((await notified(version))[0]?.message), reason);
      assert.deepEqual([await processId(), await runs()], [id, '7.0.0']);
    });
  }

  async function bySomebodyElse(version: string): Promise<string> {
    const archive = await made(version);
    const stranger = signingKey(folder.path, makeKey(join(folder.path, 'stranger.pem')));
    writeFileSync(`${archive}.sig`, stranger.sign(readFileSync(`${archive}.sha256`)));
    return archive;
  }
});
