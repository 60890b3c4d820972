import assert from 'node:assert/strict';
import { LineSplitter } from '../../../src/supervisor/line-splitter.ts';

function linesOf(chunks: string[], maxChars = 100): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(maxChars, (line) => lines.push(line));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

describe('line splitter', () => {
  it('puts lines together whatever the pieces they come in', () => {
    assert.deepEqual(linesOf(['one\ntw', 'o', '\nthree\r\n', '\n', 'four']), ['one', 'two', 'three', 'four']);
  });

  it('keeps the beginning of a line that is too long, and says how much is left out', () => {
    assert.deepEqual(linesOf(['abcdef', 'ghij\nshort\n'], 4), [
      'abcd … (6 more characters left out)',
      'shor … (1 more characters left out)',
    ]);
  });
});
