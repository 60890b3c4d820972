/** `software/update` with the updater's real desk and a maker's server: what is done once however often it is delivered. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SoftwareCommands } from '../../../src/cloud/software-commands.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { SoftwareUpdates } from '../../../src/core/upkeep/software-updates.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { ReceivedFilesOnDisk } from '../../../src/store/files/received-files.ts';
import { FetchingDesk } from '../../../src/updater/release-desk.ts';
import { ReleaseServer } from '../../support/release-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const RUNS = '1.0.0';

describe('an update of gate that the cloud asks for', () => {
  let folder: ReturnType<typeof tempFolder>;
  let server: ReleaseServer;
  let commands: SoftwareCommands;
  let reported: string[];
  let ended: GatewayEvents['updateEnded'][];
  let ids = 0;
  const path = (...names: string[]) => join(folder.path, ...names);
  const request = () => path('data/update/request.json');

  beforeEach(async () => {
    folder = tempFolder();
    server = await ReleaseServer.start();
    for (const name of ['data', 'made', 'install/update', 'install/updater'])
      mkdirSync(path(name), { recursive: true });
    [reported, ended] = [[], []];
    const events = new EventBus<GatewayEvents>((_event, error) => {
      throw error;
    });
    events.on('updateEnded', (end) => ended.push(end));
    const updates = new SoftwareUpdates({
      desk: new FetchingDesk({
        installFolder: path('install'),
        dataFolder: path('data'),
        newId: () => {
          ids += 1;
          return `id${ids}`;
        },
        allowed: [server.url],
        architecture: 'x64',
      }),
      received: new ReceivedFilesOnDisk({ dataFolder: path('data'), now: Date.now }),
      events,
      onTrouble: (error) => {
        throw error;
      },
    });
    const reports = { runsAlready: async (version: string) => void reported.push(version) };
    commands = new SoftwareCommands({ updates, reports, events, version: RUNS });
  });
  afterEach(async () => {
    await server.stop();
    folder.remove();
  });

  function offer(version: string): string {
    const archive = path('made', `gate-${version}-linux-x64.tar.gz`);
    for (const suffix of ['', '.sha256', '.sig'])
      writeFileSync(archive + suffix, `what it holds is the updater's to judge${suffix}`);
    server.offer(archive);
    return archive;
  }

  const ask = (version: string) =>
    commands.update({ newSoftwareId: `instathings/gate:${version}` }, () => undefined);

  /** What the updater writes when it has judged. */
  function ends(failure: string): void {
    rmSync(request());
    const outcome = { id: `id${ids}`, from: RUNS, version: '', failure, ts: Date.now() };
    writeFileSync(path('install/update/outcome.json'), JSON.stringify(outcome));
  }

  it('is fetched once while the command comes again, which is acknowledged when the release is handed over', async () => {
    const archive = offer('2.0.0');
    server.hold();
    const first = ask('2.0.0');
    await until('half of it has come', () => server.holds);
    let done = false;
    const second = ask('2.0.0').then(() => {
      done = true;
    });
    await assert.rejects(ask('3.0.0'), { code: 'conflict' });
    assert.equal(done, false);
    server.letGo();
    await Promise.all([first, second]);
    assert.ok(existsSync(request()));
    // and it waits for the updater now
    await ask('2.0.0');
    assert.equal(server.begun(archive), 1);
    assert.deepEqual(
      ended.map(({ version }) => version),
      ['3.0.0'],
    );
  });

  it('is told once as failed, however often it came', async () => {
    const both = [ask('2.0.0'), ask('2.0.0')];
    await Promise.allSettled(both);
    assert.deepEqual(
      ended.map(({ version, failure }) => [version, failure?.replace(/^.* was/, '')]),
      [['2.0.0', ' answered 404']],
    );
  });

  it('is fetched anew when the one before has ended', async () => {
    const archive = offer('2.0.0');
    await ask('2.0.0');
    const { archive: name } = JSON.parse(readFileSync(request(), 'utf8'));
    assert.ok(existsSync(path('data/update', name)));
    ends('it did not answer');
    // another one is under way, which is not that
    writeFileSync(request(), '{}');
    await assert.rejects(ask('2.0.0'), { code: 'conflict' });
    rmSync(request());
    await ask('2.0.0');
    assert.equal(server.begun(archive), 2);
  });

  it('to the version that runs is told as done', async () => {
    await ask(RUNS);
    assert.deepEqual([reported, ended, server.asked], [[RUNS], [], []]);
  });
});
