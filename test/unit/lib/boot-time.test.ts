import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootTimeMs, readBootId } from '../../../src/lib/boot-time.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the run of the box', () => {
  it('is known by the kernel’s id of it', () => {
    const folder = tempFolder();
    const path = join(folder.path, 'boot_id');
    writeFileSync(path, '54e2ea50-4539-4b3f-8e41-3bfffd5260d5\n');
    assert.equal(readBootId(path), '54e2ea50-4539-4b3f-8e41-3bfffd5260d5');
    assert.equal(readBootId(), readBootId());
    folder.remove();
  });

  it('is another one each time where the system does not tell', () => {
    assert.notEqual(readBootId('/nowhere'), readBootId('/nowhere'));
  });

  it('goes on', () => {
    const before = bootTimeMs();
    assert.ok(Number.isInteger(before) && before > 0);
    assert.ok(bootTimeMs() >= before);
  });
});
