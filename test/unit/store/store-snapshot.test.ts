import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openMigrated } from '../../../src/store/migrations.ts';
import type { Database } from '../../../src/store/sqlite.ts';
import { continueStore, snapshotStore, storeVersion } from '../../../src/store/store-snapshot.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('a snapshot of the store', () => {
  let folder: ReturnType<typeof tempFolder>;
  let live: Database;
  const at = (name: string) => join(folder.path, name);
  beforeEach(async () => {
    folder = tempFolder();
    live = await openMigrated(at('gate.db'));
    live.exec("INSERT INTO device (id, record) VALUES ('lamp', '{}')");
    for (let n = 0; n < 5; n += 1)
      live.exec(`INSERT INTO reading (dev, ts, shape, vals) VALUES (1, ${n}, 1, '[${n}]')`);
    live.exec('INSERT INTO relay_run (cloud, start, until) VALUES (1, 2, NULL)');
  });
  afterEach(() => {
    live.close();
    folder.remove();
  });

  const rows = (database: Database, sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  const schema = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name";

  for (const readings of [true, false]) {
    it(`${readings ? 'with' : 'without'} readings has the schema and all the rest, beside an open writer`, async () => {
      live.exec('BEGIN IMMEDIATE');
      live.exec("INSERT INTO device (id, record) VALUES ('under way', '{}')");
      await snapshotStore(at('gate.db'), { to: at('copy.db'), readings });
      live.exec('COMMIT');
      assert.equal(storeVersion(at('copy.db')), storeVersion(at('gate.db')));
      const copy = await openMigrated(at('copy.db'));
      try {
        assert.deepEqual(rows(copy, schema), rows(live, schema));
        assert.deepEqual(rows(copy, 'SELECT id FROM device'), [{ id: 'lamp' }]);
        assert.equal(rows(copy, 'SELECT seq FROM reading').length, readings ? 5 : 0);
        assert.deepEqual(
          rows(copy, 'SELECT key, value FROM meta'),
          rows(live, 'SELECT key, value FROM meta'),
        );
      } finally {
        copy.close();
      }
    });
  }

  it('goes on with numbers that the one it was taken of will not give, and without holes for the cloud', async () => {
    await snapshotStore(at('gate.db'), { to: at('copy.db'), readings: false });
    continueStore(at('copy.db'));
    const copy = await openMigrated(at('copy.db'));
    try {
      copy.exec("INSERT INTO reading (dev, ts, shape, vals) VALUES (1, 9, 1, '[9]')");
      assert.deepEqual(rows(copy, 'SELECT seq FROM reading'), [{ seq: 2 ** 36 + 1 }]);
      // the numbers 1 to 4 of the cloud were given to the readings 2 to 5
      assert.deepEqual(rows(copy, 'SELECT cloud, start, until FROM relay_run'), [
        { cloud: 1, start: 2, until: 6 },
      ]);
    } finally {
      copy.close();
    }
  });
});
