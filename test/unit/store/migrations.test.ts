import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS, openMigrated } from '../../../src/store/migrations.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('migrations', () => {
  let folder: ReturnType<typeof tempFolder>;
  let path: string;

  beforeEach(() => {
    folder = tempFolder();
    path = join(folder.path, 'gate.db');
  });

  afterEach(() => folder.remove());

  it('bring a store of an older version up to date, its content kept', async () => {
    const old = await openMigrated(path);
    old.exec("INSERT INTO meta VALUES ('kept', 'yes')");
    old.close();
    const renewed = await openMigrated(path, [...MIGRATIONS, (db) => db.exec('CREATE TABLE added (a)')]);
    assert.equal(renewed.prepare("SELECT value FROM meta WHERE key = 'kept'").get()?.['value'], 'yes');
    assert.equal(renewed.prepare('PRAGMA user_version').get()?.['user_version'], MIGRATIONS.length + 1);
    assert.equal(renewed.prepare('SELECT count(*) AS n FROM added').get()?.['n'], 0);
    renewed.close();
    assert.deepEqual(readdirSync(folder.path), ['gate.db']);
  });

  it('leave the store as it was when a step fails half-way', async () => {
    (await openMigrated(path)).close();
    const before = readFileSync(path);
    const failing = [
      ...MIGRATIONS,
      (db: { exec: (sql: string) => void }) => {
        db.exec('CREATE TABLE half (a)');
        throw new Error('power cut');
      },
    ];
    await assert.rejects(openMigrated(path, failing), /power cut/);
    assert.deepEqual(readFileSync(path), before);
    const reopened = await openMigrated(path);
    assert.throws(() => reopened.prepare('SELECT * FROM half'), /no such table/);
    reopened.close();
  });

  it('refuse a store that a newer gateway wrote, and leave it untouched', async () => {
    (await openMigrated(path, [...MIGRATIONS, () => undefined])).close();
    const before = readFileSync(path);
    await assert.rejects(openMigrated(path), { code: 'storeNewer' });
    assert.deepEqual(readFileSync(path), before);
  });

  it('name a file that is not a store', async () => {
    writeFileSync(path, 'this is no database, however long one looks at it '.repeat(100));
    await assert.rejects(openMigrated(path), { code: 'storeCorrupt' });
  });

  it('begin anew beside what an interrupted migration left', async () => {
    (await openMigrated(path)).close();
    writeFileSync(`${path}.migrating`, 'half a copy');
    const renewed = await openMigrated(path, [...MIGRATIONS, (db) => db.exec('CREATE TABLE added (a)')]);
    assert.equal(renewed.prepare('SELECT count(*) AS n FROM added').get()?.['n'], 0);
    renewed.close();
  });
});
