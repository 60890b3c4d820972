import assert from 'node:assert/strict';
import { DiskCheck } from '../../../src/store/damage/disk-check.ts';
import { passingTrouble } from '../../../src/store/sqlite.ts';

describe('the check of the disk', () => {
  let isReadOnly: boolean;
  let done: string[];
  let check: DiskCheck;
  beforeEach(() => {
    isReadOnly = false;
    done = [];
    check = new DiskCheck({
      folder: 'data',
      database: { exec: (sql) => done.push(sql) },
      demandWritable: () => {
        if (isReadOnly) throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
      },
    });
  });

  const isTrouble = (error: unknown) => /read-only/.test(passingTrouble(error) ?? '');

  it('lets through what is written to a disk that takes it', () => {
    assert.equal(
      check.written(() => 7),
      7,
    );
    assert.deepEqual(done, []);
  });

  it('writes nothing to one that is read-only', () => {
    isReadOnly = true;
    assert.throws(() => check.written(() => done.push('written')), isTrouble);
    assert.deepEqual(done, []);
  });

  it('does not answer what was written while it became so, and forces it to the disk before anything else', () => {
    const becoming = () => {
      isReadOnly = true;
      done.push('written');
    };
    assert.throws(() => check.written(becoming), isTrouble);
    assert.throws(() => check.written(() => done.push('too early')), isTrouble);
    isReadOnly = false;
    check.written(() => done.push('again'));
    check.written(() => done.push('on'));
    assert.deepEqual(done, ['written', 'PRAGMA wal_checkpoint(TRUNCATE)', 'again', 'on']);
  });
});
