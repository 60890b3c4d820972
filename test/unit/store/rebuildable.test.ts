import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../../../src/model/operation.ts';
import { AvailabilityFile } from '../../../src/store/files/availability-file.ts';
import { OperationFile } from '../../../src/store/files/operation-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

describe('what may be rebuilt', () => {
  let folder: ReturnType<typeof tempFolder>;
  let troubles: string[];
  beforeEach(() => {
    folder = tempFolder();
    troubles = [];
  });
  afterEach(() => folder.remove());

  const parts = (name: string) => ({
    path: join(folder.path, name),
    onTrouble: (words: string) => troubles.push(words),
  });
  const operation = (id: string, ttl: number): Operation => ({
    id,
    projectId: 'p',
    deviceId: 'd',
    ttl,
    outcome: { state: 'done', response: { on: true } },
  });
  const NEVER = Math.floor(Date.now() / 1_000) + 1_000;

  it('keeps availability across a restart, and a torn last line costs that line alone', async () => {
    const file = new AvailabilityFile(parts('availability.db'));
    await file.start();
    file.save('a', { online: false, reason: 'away', since: 1 });
    file.save('b', { online: true, since: 2 });
    file.remove('b');
    await until('it is written', () => readdirSync(folder.path).includes('availability.db'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await file.stop();
    appendFileSync(join(folder.path, 'availability.db'), '{"_id":"c","onl');
    const again = new AvailabilityFile(parts('availability.db'));
    await again.start();
    assert.deepEqual([...again.all()], [['a', { online: false, reason: 'away', since: 1 }]]);
    await again.stop();
    assert.deepEqual(troubles, []);
  });

  it('keeps in memory what the disk does not take, says so, and starts', async () => {
    // no file can be made there
    const path = '/proc/operations.db';
    const file = new OperationFile({ path, onTrouble: (words) => troubles.push(words) });
    await file.start();
    await file.save(operation('a', NEVER));
    assert.deepEqual(await file.find('a'), operation('a', NEVER));
    await file.stop();
    assert.match(
      troubles.join(),
      /^\/proc\/operations.db cannot be written .*kept in memory until the next start$/,
    );
  });

  it('sets aside a file that cannot be read, says so, and starts', async () => {
    mkdirSync(join(folder.path, 'operations.db'));
    const file = new OperationFile(parts('operations.db'));
    await file.start();
    await file.save(operation('a', NEVER));
    assert.deepEqual(await file.find('a'), operation('a', NEVER));
    await file.stop();
    assert.equal(
      readdirSync(folder.path).some((name) => name.startsWith('operations.db.damaged-')),
      true,
    );
    assert.match(String(troubles[0]), /was set aside as .*damaged/);
  });

  it('forgets an operation when its ttl has passed', async () => {
    const file = new OperationFile(parts('operations.db'));
    await file.start();
    await file.save(operation('old', Math.floor(Date.now() / 1_000) - 1));
    await file.save(operation('new', NEVER));
    assert.equal(await file.find('old'), undefined);
    assert.equal((await file.find('new'))?.id, 'new');
    await file.stop();
  });
});
