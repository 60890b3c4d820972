/** Every language says everything, with the same places to fill in. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { filled } from '../../../src/dashboard/text/messages.ts';

const FOLDER = resolve(import.meta.dirname, '../../../src/dashboard/languages');
interface Tree {
  [key: string]: string | Tree;
}

/** Each text by its whole key; the forms of a plural are one text. */
function texts(tree: Tree, before = ''): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [key, value] of Object.entries(tree)) {
    const whole = `${before}${key}`;
    if (typeof value === 'string') found.set(whole, [value]);
    else if (typeof value['other'] === 'string') found.set(whole, Object.values(value) as string[]);
    else for (const [inner, list] of texts(value, `${whole}.`)) found.set(inner, list);
  }
  return found;
}
const placesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe('the languages of the dashboard', () => {
  const codes = readdirSync(FOLDER).map((file) => basename(file, '.ts'));
  const all = new Map<string, Map<string, string[]>>();
  before(async () => {
    for (const code of codes)
      all.set(code, texts((await import(join(FOLDER, `${code}.ts`))).default as Tree));
  });

  it('are English and Italian at least, each under its code', () => {
    assert.ok(
      ['en', 'it'].every((code) => codes.includes(code)),
      codes.join(),
    );
    for (const code of codes) assert.deepEqual(Intl.getCanonicalLocales(code), [code]);
  });

  it('have the same keys, none of them empty', () => {
    const english = [...(all.get('en')?.keys() ?? [])];
    assert.ok(english.length > 100, `${english.length}`);
    for (const [code, its] of all) {
      assert.deepEqual([...its.keys()].sort(), [...english].sort(), code);
      for (const [key, forms] of its)
        assert.ok(
          forms.every((form) => form.trim() !== ''),
          `${code}: ${key}`,
        );
    }
  });

  it('fill in the same places', () => {
    for (const [key, english] of all.get('en') ?? [])
      for (const [code, its] of all)
        for (const form of its.get(key) ?? []) {
          const allowed = english.flatMap(placesIn);
          assert.ok(
            placesIn(form).every((name) => allowed.includes(name)),
            `${code}: ${key}`,
          );
        }
  });

  it('choose the plural of the number, and write it as the language does', () => {
    const messages = { lines: { one: '{count} line', other: '{count} lines' }, name: 'to {whom}' };
    assert.equal(filled(messages, 'en', 'lines', { count: 1 }), '1 line');
    assert.equal(filled(messages, 'en', 'lines', { count: 12_000 }), '12,000 lines');
    assert.equal(filled(messages, 'it', 'lines', { count: 12_000 }), '12.000 lines');
    assert.equal(filled(messages, 'en', 'name', { whom: 'Ada' }), 'to Ada');
    assert.equal(filled(messages, 'en', 'nothing.here'), 'nothing.here');
  });
});
