import assert from 'node:assert/strict';
import { csvField, csvRow } from '../../../src/api/csv.ts';
import type { JsonValue } from '../../../src/model/json.ts';

describe('CSV', () => {
  for (const [value, field] of [
    [21.5, '21.5'],
    [-3, '-3'],
    [true, 'true'],
    [null, ''],
    ['', '""'],
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    [{ a: [1, 'b'] }, '"{""a"":[1,""b""]}"'],
    [[1], '[1]'],
    // numbers as text stay what they are
    ['-22.12', '-22.12'],
    ['+1e5', '+1e5'],
    ['=1+1', "'=1+1"],
    ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['-1+cmd', "'-1+cmd"],
    ['\tx', "'\tx"],
    ['\rx', '"\'\rx"'],
  ] as [JsonValue, string][]) {
    it(`writes ${JSON.stringify(value)} as ${JSON.stringify(field)}`, () => {
      assert.equal(csvField(value), field);
    });
  }

  it('ends a row with CRLF', () => assert.equal(csvRow(['a', 1, null]), 'a,1,\r\n'));
});
