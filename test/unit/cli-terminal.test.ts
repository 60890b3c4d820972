/** What the `gate` command makes of text for a terminal: nothing that commands it, nothing that is cut off. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { folded, table } from '../../src/cli/columns.ts';
import { lineOf } from '../../src/cli/progress-line.ts';
import { harmless } from '../../src/cli/terminal.ts';

const page = (columns: number | undefined) => ({ columns: () => columns, paint: (text: string) => text });

describe('text for a terminal', () => {
  it('has no control character of others', () => {
    assert.equal(harmless('a\x1b[2Jb\x07\x9b31m\r\n\tc'), 'a\\x1b[2Jb\\x07\\x9b31m\\x0d\n\tc');
    assert.equal(harmless('\x1b[32mwell\x1b[39m'), '\x1b[32mwell\x1b[39m');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // a colour may begin with ESC, nothing else may
        const left = harmless(text).split('\x1b[').join('');
        assert.ok([...left].every((each) => each >= ' ' || each === '\n' || each === '\t'));
      }),
    );
  });

  it('is folded between words, and loses none of them', () => {
    assert.deepEqual(folded('one two three', 8), ['one two', 'three']);
    assert.deepEqual(folded('unbreakable', 4), ['unbr', 'eaka', 'ble']);
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1 }),
        fc.integer({ min: 1, max: 90 }),
        (words, width) => {
          const lines = folded(words.join(' '), width);
          assert.ok(lines.every((line) => line.length <= width));
          assert.equal(lines.join('').replaceAll(' ', ''), words.join(''));
        },
      ),
    );
  });

  it('is a table that is as wide as the terminal at most, and has all of its cells', () => {
    const head = ['ID', 'NAME', 'WHY'];
    const rows = [
      ['abcdefgh', 'the lamp', 'it does not answer any more: is it powered?'],
      ['b', 'c', ''],
    ];
    for (const columns of [200, 60, 40, 20, undefined]) {
      const lines = table(page(columns), head, rows).split('\n');
      assert.ok(
        lines.every((line) => line.length <= (columns ?? 200)),
        lines.join('\n'),
      );
      const text = lines.join(' ').replaceAll(/\s+/g, ' ');
      for (const word of ['abcdefgh', 'lamp', 'powered?', 'WHY']) assert.ok(text.includes(word), text);
    }
    assert.equal(table(page(undefined), head, rows).split('\n').length, 3);
  });

  it('is a bar that never fills the line', () => {
    assert.equal(lineOf('3 of 6 MB', 0.5, 80), `[${'#'.repeat(15)}${'.'.repeat(15)}] 50 %  3 of 6 MB`);
    for (const columns of [10, 20, 40, 80])
      for (const share of [0, 0.3, 1, 7]) assert.ok(lineOf('3 of 6 MB', share, columns).length < columns);
  });
});
