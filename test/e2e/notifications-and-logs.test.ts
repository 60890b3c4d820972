/** What the daemon notices and what its programs write: told through the API, the former also after a restart. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon } from '../support/daemon.ts';
import { addForeignAddon } from '../support/foreign-addon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface Told {
  notifications: { msgID: string; subject: string; message: string }[];
}
interface Line {
  timestamp: number;
  type: string;
  message: string;
}

const HISTORY = '/history/notifications/history';

describe('what the daemon notices', () => {
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  before(async () => {
    folder = tempFolder();
    addForeignAddon(folder.path, { slug: 'fails', program: "console.error('no radio'); process.exit(3);" });
    mkdirSync(join(folder.path, 'addons', 'broken'));
    writeFileSync(join(folder.path, 'addons', 'broken', 'addon.json'), '{"slug": "broken"');
    daemon = await Daemon.start({ dataFolder: folder.path });
    await daemon.api.send('POST', '/device/v1/protocols/fails/installation', { parameters: {} });
  });
  after(async () => {
    await daemon.stop();
    folder.remove();
  });

  const told = async (query: string) => (await daemon.api.get<Told>(`${HISTORY}?${query}`)).notifications;

  it('is told once, and still there after a restart', async () => {
    await until('the failure is told', async () => (await told('addon=fails')).length > 0);
    const [failing] = (await told('addon=fails')) as [Told['notifications'][0]];
    assert.match(failing.message, /^add-on "fails" has failed: /);
    const [leftOut] = (await told('subject=addon_left_out')) as [Told['notifications'][0]];
    assert.match(leftOut.message, /"broken" was left out/);
    assert.equal(await daemon.stop(), 0);
    daemon = await Daemon.start({ dataFolder: folder.path });
    assert.deepEqual(await told(`msgID=${failing.msgID}`), [failing]);
  });

  it('can be looked up in the logs of the program and of the gateway', async () => {
    const devices = await daemon.api.get<{ id: string; isGateway: boolean }[]>('/device/v1/devices');
    const gatewayId = devices.find(({ isGateway }) => isGateway)?.id;
    const logs = (name: string) => daemon.api.get<Line[]>(`/device/v1/devices/${gatewayId}/${name}/logs`);
    const line = await until('the add-on has written', async () => (await logs('fails'))[0]);
    assert.deepEqual([line.type, line.message], ['ERR', 'no radio']);
    const own = await logs('gate');
    assert.ok(own.some(({ message }) => /^\d{4}-\S+Z gate gate is up: /.test(message)));
    assert.equal(
      own.some(({ message }) => message.includes('gate no radio')),
      false,
    );
  });
});
