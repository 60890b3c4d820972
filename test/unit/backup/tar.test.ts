import assert from 'node:assert/strict';
import { tarFailure } from '../../../src/backup/tar.ts';

describe('what tar says of its trouble', () => {
  it('is told with what to do where the disk is full, in whichever words', () => {
    for (const said of [
      'tar: ./data/gate.db: Cannot write: No space left on device',
      'tar: ./data/gate.db: Wrote only 1536 of 10240 bytes\ntar: Exiting with failure status due to previous errors',
    ]) {
      const { message, hint } = tarFailure('cannot be unpacked', said);
      assert.equal(message, `the backup cannot be unpacked: ${said}`);
      assert.match(hint ?? '', /^the disk is full: make room/);
    }
    assert.equal(tarFailure('cannot be unpacked', 'tar: Unexpected EOF in archive').hint, undefined);
  });
});
