import assert from 'node:assert/strict';
import { LastWords } from '../../../src/supervisor/last-words.ts';

function wordsOf(...lines: string[]): string {
  const words = new LastWords();
  for (const line of lines) words.add(line);
  return words.text();
}

describe('last words of an add-on', () => {
  it('are empty when it wrote nothing', () => {
    assert.equal(wordsOf(), '');
  });

  it('are the error, not the stack and the version that Node writes after it', () => {
    assert.equal(
      wordsOf(
        'file:///addons/zigbee/main.js:3',
        "throw new Error('no coordinator')",
        '      ^',
        '',
        'Error: no coordinator',
        '    at file:///addons/zigbee/main.js:3:7',
        "  code: 'ENOENT',",
        '}',
        '',
        'Node.js v24.0.0',
      ),
      'Error: no coordinator',
    );
  });

  it('name a module that is missing', () => {
    assert.match(
      wordsOf("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'knx'", '    at x', 'Node.js v24.0.0'),
      /Cannot find package 'knx'/,
    );
  });

  it('say that the heap was full', () => {
    assert.match(
      wordsOf(
        'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
        '----- Native stack trace -----',
        ' 1: 0x73da44 node::OOMErrorHandler(char const*) [node]',
      ),
      /heap out of memory/,
    );
  });

  it('are the last line when no error stands there', () => {
    assert.equal(wordsOf('opening /dev/ttyUSB0', 'the port is in use'), 'the port is in use');
  });

  it('are not an error that it survived long ago', () => {
    const since = Array.from({ length: 100 }, (_, n) => `line ${n}`);
    assert.equal(wordsOf('Error: a passing trouble', ...since), 'line 99');
  });

  it('are at most 200 characters', () => {
    assert.equal(wordsOf(`Error: ${'x'.repeat(1000)}`).length, 200);
  });
});
