import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupByCommand } from '../../../src/backup/backup-maker.ts';
import { writeNote } from '../../../src/backup/note.ts';
import { finishOrderedRestore, restorePlaces } from '../../../src/backup/ordered-restore.ts';
import { restoreBackup } from '../../../src/backup/restore-backup.ts';
import { RestoreDeskOnDisk } from '../../../src/backup/restore-desk.ts';
import { RESTORE_STAGING, refuseUnfinished } from '../../../src/backup/unfinished.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const FACTS = { version: '1.0.0', takenAt: 1_795_320_336_000, readings: true, files: 2 };
const EARLIER = 'before-restore-2026-11-22T04-05-36-000Z';
const NOW = Date.UTC(2026, 10, 22, 5);

describe('damaged notes of backups', () => {
  let folder: ReturnType<typeof tempFolder>;
  let told: string[];
  beforeEach(() => {
    folder = tempFolder();
    told = [];
  });
  afterEach(() => folder.remove());

  const parts = () => ({
    cliPath: '/none',
    nodePath: process.execPath,
    environment: {},
    dataFolder: folder.path,
    configFolder: join(folder.path, 'config'),
    now: () => NOW,
    checkSettings: async () => undefined,
    onDamaged: (words: string) => void told.push(words),
  });
  const finish = () =>
    finishOrderedRestore({ dataFolder: folder.path, configFolder: join(folder.path, 'config') }, NOW);
  const text = (...names: string[]) => readFileSync(join(folder.path, ...names), 'utf8');

  /** Half in place: what was there lies aside, one file has come, and the store has not. */
  async function layHalfRestored() {
    const places = restorePlaces(folder.path);
    mkdirSync(join(places.content, 'data'), { recursive: true });
    mkdirSync(join(folder.path, EARLIER));
    writeFileSync(join(folder.path, EARLIER, 'gate.db'), 'old store');
    writeFileSync(join(folder.path, EARLIER, 'clients.db'), 'old clients');
    writeFileSync(join(folder.path, 'clients.db'), 'clients of the backup');
    writeFileSync(join(places.content, 'data', 'gate.db'), 'store of the backup');
    await writeNote(places.facts, FACTS);
    await writeNote(places.order, { ...FACTS, aside: EARLIER });
    return places;
  }

  it('an order of a restore that is half done: gone on with by what was checked', async () => {
    for (const damaged of ['', '{"version":"1.0', undefined]) {
      const { folder: waiting, order } = await layHalfRestored();
      rmSync(order);
      if (damaged === undefined) mkdirSync(order);
      else writeFileSync(order, damaged);
      assert.equal(await finish(), true);
      assert.equal(text('gate.db'), 'store of the backup');
      assert.equal(text('clients.db'), 'clients of the backup');
      assert.equal(text(EARLIER, 'gate.db'), 'old store');
      assert.equal(existsSync(waiting), false);
      assert.equal((await new RestoreDeskOnDisk(parts()).outcome())?.told, false);
      for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name), { recursive: true });
    }
  });

  it('an order without anything that tells of it: no gateway of two halves is started', async () => {
    const { order, facts, content } = await layHalfRestored();
    for (const path of [order, facts]) writeFileSync(path, '');
    await assert.rejects(finish, { code: 'folderUnusable', hint: /gate restore --replace/ });
    assert.ok(existsSync(join(content, 'data', 'gate.db')));
  });

  it('a folder in the place of an earlier outcome keeps no restore from its end', async () => {
    await layHalfRestored();
    mkdirSync(restorePlaces(folder.path).outcome);
    assert.equal(await finish(), true);
    assert.equal((await new RestoreDeskOnDisk(parts()).outcome())?.version, FACTS.version);
  });

  it('an outcome: told', async () => {
    writeFileSync(restorePlaces(folder.path).outcome, '{');
    assert.equal(await new RestoreDeskOnDisk(parts()).outcome(), undefined);
    assert.match(told.join('\n'), /restore-outcome\.json is damaged, and was set aside as /);
  });

  it('the facts of a backup that was checked: told', async () => {
    const { folder: waiting, facts } = restorePlaces(folder.path);
    mkdirSync(waiting);
    writeFileSync(facts, '{');
    assert.equal(await new RestoreDeskOnDisk(parts()).checked(), undefined);
    assert.match(told.join('\n'), /facts\.json is damaged: .* checked again/);
  });

  it('the note of a backup that waits: told, and the backup is kept', async () => {
    const outbox = join(folder.path, 'backup-outbox');
    mkdirSync(outbox);
    writeFileSync(join(outbox, 'backup.age'), 'sealed');
    writeFileSync(join(outbox, 'backup.json'), '{"bytes":');
    const maker = new BackupByCommand(parts());
    assert.equal(await maker.kept(), undefined);
    const aside = readdirSync(folder.path).find((name) => name.startsWith('backup-outbox.damaged-')) ?? '';
    assert.equal(text(aside, 'backup.age'), 'sealed');
    assert.ok(told[0]?.includes(join(folder.path, aside)), told[0]);
    await maker.drop();
    assert.equal(text(aside, 'backup.age'), 'sealed');
    assert.equal(await maker.kept(), undefined);
    assert.equal(told.length, 1);
  });

  it('a restore that was interrupted, and fails when it is done again: no gateway of two halves is started', async () => {
    const file = join(folder.path, 'backup.age');
    writeFileSync(file, 'no backup');
    const again = () =>
      restoreBackup({ ...parts(), file, key: { passphrase: 'correct horse' }, replace: true });
    await assert.rejects(again);
    refuseUnfinished(folder.path);
    for (const begun of ['ready', 'superseded']) {
      mkdirSync(join(folder.path, RESTORE_STAGING, begun), { recursive: true });
      await assert.rejects(again);
      assert.throws(() => refuseUnfinished(folder.path), { code: 'folderUnusable' });
      assert.deepEqual(readdirSync(join(folder.path, RESTORE_STAGING)), [begun]);
      rmSync(join(folder.path, RESTORE_STAGING), { recursive: true });
    }
  });
});
