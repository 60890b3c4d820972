/** A release that a caller sends in pieces comes to the updater's desk whole, and how it stands is told. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { SoftwareUpdates } from '../../../src/core/upkeep/software-updates.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { ReceivedFilesOnDisk } from '../../../src/store/files/received-files.ts';
import { FetchingDesk } from '../../../src/updater/release-desk.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('a release that is sent', () => {
  let folder: ReturnType<typeof tempFolder>;
  let updates: SoftwareUpdates;
  const told: string[] = [];
  const [data, install] = [() => join(folder.path, 'data'), () => join(folder.path, 'install')];

  beforeEach(() => {
    folder = tempFolder();
    told.length = 0;
    mkdirSync(data());
    mkdirSync(join(install(), 'update'), { recursive: true });
    // the updater is there: what runs it is not this test's
    mkdirSync(join(install(), 'updater'));
    const events = new EventBus<GatewayEvents>((_event, error) => {
      throw error;
    });
    events.on('maintenanceChanged', (change) =>
      told.push(`${change.of} ${change.state} ${change.phase ?? ''}`),
    );
    updates = new SoftwareUpdates({
      desk: new FetchingDesk({
        installFolder: install(),
        dataFolder: data(),
        newId: () => 'abc',
        allowed: [],
        architecture: 'x64',
      }),
      received: new ReceivedFilesOnDisk({ dataFolder: data(), now: Date.now }),
      events,
      onTrouble: (error) => {
        throw error;
      },
    });
  });
  afterEach(() => folder.remove());

  const piece = (offset: number, text: string) => ({
    offset,
    bytes: (async function* () {
      yield Buffer.from(text);
    })(),
  });

  it('lies whole where the updater takes it, and is under way until it ends', async () => {
    assert.equal(await updates.receive('archive', piece(0, 'first ')), 6);
    assert.equal(await updates.receive('archive', piece(6, 'second')), 12);
    await assert.rejects(updates.useReceived(), { code: 'conflict', message: /sha256 was not sent/ });
    await updates.receive('checksum', piece(0, 'sum'));
    await updates.receive('signature', piece(0, 'signed'));
    assert.deepEqual(await updates.useReceived(), { state: 'underWay', phase: 'waiting' });
    assert.deepEqual(told, ['update underWay waiting']);
    const spool = join(data(), 'update');
    const { archive } = JSON.parse(readFileSync(join(spool, 'request.json'), 'utf8'));
    assert.equal(readFileSync(join(spool, archive), 'utf8'), 'first second');
    assert.deepEqual(readdirSync(join(data(), 'received')), []);
    await assert.rejects(updates.useReceived(), { code: 'conflict' });
    writeFileSync(
      join(install(), 'update', 'state.json'),
      JSON.stringify({ id: 'abc', phase: 'trying', from: '0.1.0', to: '0.2.0' }),
    );
    assert.deepEqual(updates.view(), { state: 'underWay', phase: 'trying', to: '0.2.0' });
  });

  it('whose address is not allowed is told with the reason, and leaves nothing under way', async () => {
    updates.begin({ url: 'http://127.0.0.1:9/gate.tar.gz' });
    await assert.rejects(updates.update({ version: '0.2.0' }));
    const { state, reason } = updates.view();
    assert.deepEqual([state, reason?.code], ['failed', 'forbidden']);
    assert.equal(existsSync(join(data(), 'update', 'request.json')), false);
  });
});
