/** A command whose acknowledgement the broker has not heard comes again: it is not done a second time. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Authority } from '../../../scripts/cloud/authority.ts';
import { writeCredentials } from '../../../scripts/cloud/credentials-folder.ts';
import { type Client, ScriptedCloudBroker } from '../../simulators/scripted-cloud-broker.ts';
import { Daemon } from '../../support/daemon.ts';
import { addForeignAddon } from '../../support/foreign-addon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { obstacle } from './cloud-house.ts';

describe('a set that the broker repeats', function () {
  this.timeout(60_000);
  const folder = tempFolder();
  let broker: ScriptedCloudBroker | undefined;
  let daemon: Daemon | undefined;
  before(function () {
    const reason = obstacle();
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  after(async () => {
    await daemon?.stop();
    await broker?.stop();
    folder.remove();
  });

  it('is done once, over a broken connection and over a restart; a new one with its number is done', async () => {
    const authority = new Authority(join(folder.path, 'authority'));
    const cloud = new ScriptedCloudBroker(authority);
    broker = cloud;
    const port = await cloud.start();
    const credentials = join(folder.path, 'credentials');
    writeCredentials(credentials, { projectId: 'P', gatewayId: 'G', host: '127.0.0.1', port }, authority);
    const dataFolder = join(folder.path, 'data');
    const type = addForeignAddon(dataFolder, { slug: 'documented', source: 'documented-devices.ts' });
    const options = { dataFolder, environment: { CONFIG_FOLDER: credentials, CLOUD_RETRY_MAX_SECONDS: '1' } };
    daemon = await Daemon.start(options);
    await daemon.api.send('POST', '/device/v1/protocols/documented/installation');
    await until('its add-on runs', async () => {
      const { status } = await (daemon as Daemon).api.get<{ status: string }>(
        '/device/v1/protocols/documented',
      );
      return status === 'installed';
    });
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'lamp',
      type,
    });
    await daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    const toggles = () =>
      (daemon as Daemon).log.filter(({ msg }) => /^the lamp is/.test(msg)).map(({ msg }) => msg);
    const asked = () => (daemon as Daemon).log.filter(({ msg }) => msg === 'the cloud asks: set').length;
    const connected = (count: number) =>
      until(
        'the gateway is connected',
        () => cloud.clients.length >= count && (cloud.clients.at(-1) as Client),
      );
    const set = {
      cmd: 'publish',
      topic: `control/P/G/${id}/set`,
      payload: '{"state":"TOGGLE"}',
      qos: 1,
    } as const;
    const acknowledged = () =>
      cloud.received.filter(({ cmd, messageId }) => cmd === 'puback' && messageId === 7).length;

    const first = await connected(1);
    await until('the lamp is there', async () => {
      const { status } = await (daemon as Daemon).api.get<{ status: { eventType: string } }>(
        `/device/v1/devices/${id}`,
      );
      return status.eventType === 'paired';
    });
    first.send({ ...set, messageId: 7, dup: false, retain: false });
    await until('it is acknowledged', () => acknowledged() === 1);
    // the broker has not heard it
    first.end();
    const second = await connected(2);
    second.send({ ...set, messageId: 7, dup: true, retain: false });
    await until('the repeat is acknowledged', () => acknowledged() === 2);
    assert.deepEqual([asked(), toggles()], [2, ['the lamp is ON']]);

    await daemon.kill();
    daemon = await Daemon.start(options);
    const third = await connected(3);
    third.send({ ...set, messageId: 7, dup: true, retain: false });
    await until('the repeat is acknowledged', () => acknowledged() === 3);
    assert.deepEqual([asked(), toggles()], [1, []]);

    third.send({ ...set, messageId: 7, dup: false, retain: false });
    await until('the lamp was toggled', () => toggles().length === 1);
  });
});
