import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { logDamage } from '../../../src/store/damage/log-check.ts';
import { type Database, inTransaction, openForReading, openForWriting } from '../../../src/store/sqlite.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 2_048;

describe('the check of the store’s log', () => {
  let folder: ReturnType<typeof tempFolder>;
  let path: string;
  let database: Database;
  /** Files as a kill leaves them: the writer still has its own open. */
  let left: string;

  beforeEach(() => {
    folder = tempFolder();
    path = join(folder.path, 'gate.db');
    left = join(folder.path, 'left.db');
    database = openForWriting(path);
    database.exec('CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)');
    for (let n = 0; n < 30; n += 1) insert(n);
  });
  afterEach(() => {
    database.close();
    folder.remove();
  });

  const insert = (n: number) =>
    inTransaction(database, () => database.prepare('INSERT INTO t VALUES (?, ?)').run(n, 'x'.repeat(900)));
  const leave = ({ index = true } = {}) => {
    for (const suffix of ['', '-wal', ...(index ? ['-shm'] : [])]) copyFileSync(path + suffix, left + suffix);
  };
  const rows = () => {
    const opened = openForReading(left);
    const count = Number(opened.prepare('SELECT count(*) AS n FROM t').get()?.['n']);
    opened.close();
    return count;
  };
  const flip = (at: number) => {
    const bytes = readFileSync(`${left}-wal`);
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    writeFileSync(`${left}-wal`, bytes);
  };

  it('has nothing to say of a whole one, of none, and of one that was begun anew', () => {
    leave();
    assert.equal(logDamage(left), undefined);
    database.exec('PRAGMA wal_checkpoint(RESTART)');
    insert(100);
    leave();
    assert.equal(logDamage(left), undefined);
    rmSync(`${left}-wal`);
    assert.equal(logDamage(left), undefined);
  });

  it('finds a bit that flipped within what was on disk, wherever it is', () => {
    leave({ index: false });
    const whole = readFileSync(`${left}-wal`);
    // all but the last transaction, of which a power cut would leave the same
    const sure = whole.length - 4 * FRAME_BYTES;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: sure - 1 }), (at) => {
        writeFileSync(`${left}-wal`, whole);
        flip(at);
        // a number of the head that nothing rests on: which log this is
        assert.notEqual(logDamage(left), undefined, `byte ${at}`);
      }),
      { numRuns: 60 },
    );
  });

  it('does not take a torn last transaction for damage, which a power cut leaves', () => {
    leave({ index: false });
    const bytes = readFileSync(`${left}-wal`).length;
    for (const cut of [1, 500, FRAME_BYTES, FRAME_BYTES + 1]) {
      leave({ index: false });
      truncateSync(`${left}-wal`, bytes - cut);
      assert.equal(logDamage(left), undefined);
    }
    leave({ index: false });
    flip(bytes - 10);
    assert.equal(logDamage(left), undefined);
  });

  it('knows by the index that the end is missing, or all of it', () => {
    leave();
    const bytes = readFileSync(`${left}-wal`).length;
    truncateSync(`${left}-wal`, bytes - 1);
    assert.match(logDamage(left) ?? '', /had \d+ frames, and \d+ of them are whole/);
    truncateSync(`${left}-wal`, HEADER_BYTES + 5 * FRAME_BYTES);
    assert.match(logDamage(left) ?? '', /had \d+ frames/);
    truncateSync(`${left}-wal`, 0);
    assert.match(logDamage(left) ?? '', /is empty, and was not/);
    assert.ok(existsSync(`${left}-shm`));
  });

  it('is right about what SQLite passes over', () => {
    leave();
    flip(HEADER_BYTES + 20 * FRAME_BYTES + 100);
    assert.notEqual(logDamage(left), undefined);
    assert.ok(rows() < 30);
  });
});
