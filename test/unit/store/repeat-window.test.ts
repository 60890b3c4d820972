import assert from 'node:assert/strict';
import { RepeatWindow } from '../../../src/store/repeat-window.ts';

describe('the repeat window', () => {
  it('knows at least the last ids of its size, and in the end forgets older ones', () => {
    const window = new RepeatWindow(10);
    for (let n = 0; n < 35; n += 1) window.add(`id${n}`);
    for (let n = 25; n < 35; n += 1) assert.equal(window.has(`id${n}`), true);
    assert.equal(window.has('id0'), false);
  });
});
