import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { damagedName } from '../../../src/lib/damaged-name.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the name under which something damaged is set aside', () => {
  let folder: ReturnType<typeof tempFolder>;

  beforeEach(() => {
    folder = tempFolder();
  });

  afterEach(() => folder.remove());

  it('has the date, and no colon', () => {
    assert.equal(
      damagedName(join(folder.path, 'gate.db'), 1_700_000_000_000),
      join(folder.path, 'gate.db.damaged-2023-11-14T22-13-20.000Z'),
    );
  });

  it('takes the place of nothing that was set aside before, file or folder, where the clock stands still', () => {
    const path = join(folder.path, '.rotation');
    const names = [0, 1, 2].map((round) => {
      const name = damagedName(path, 0);
      if (round === 0) writeFileSync(name, '');
      else mkdirSync(name);
      return name;
    });
    assert.equal(new Set(names).size, 3);
  });
});
