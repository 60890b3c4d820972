/** docs/documented-examples.md names a test for every example, and each is there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/documented-examples.md'), 'utf8');
const REFERENCE = join(ROOT, 'test/e2e/reference');
const ROW = /^\| (.+) \| (.+) \|$/gm;
const NAMED_TEST = /`([\w./-]+\.test\.ts)`: ([^|]+)/;
/** Why an example has no test of its own. */
const REASON = /^the cloud's|^the form of "OP: /;

/** The rows of both tables. */
const rows = [...PAGE.matchAll(ROW)]
  .map(([, example = '', where = '']) => ({ example, where }))
  .filter(({ example }) => example !== 'example' && !/^-+$/.test(example));

describe('the list of documented examples', () => {
  it('has them all', () => {
    assert.equal(rows.length, 55);
  });

  for (const { example, where } of rows) {
    it(`says where "${example}" is tested`, () => {
      const [, file = '', rest = ''] = NAMED_TEST.exec(where) ?? [];
      if (file === '') {
        assert.match(where, REASON);
        return;
      }
      const path = join(REFERENCE, file);
      assert.ok(existsSync(path), `${file} is not there`);
      const source = readFileSync(path, 'utf8');
      const titles = [...source.matchAll(/'([^'\n]+)'|`([^`$\n]+)[`$]/g)].map(([, text, template]) =>
        (text ?? template ?? '').trim().replace(/,$/, ''),
      );
      // the title, and perhaps a sentence after it
      const named = titles.some((title) => rest.trim() === title || rest.startsWith(`${title}. `));
      assert.ok(named, `${file} has no test "${rest}"`);
    });
  }
});
