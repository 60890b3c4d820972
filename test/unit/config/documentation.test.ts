/** The guide to the settings says what `src/config/settings.ts` says, and no link in the documentation leads nowhere. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { VARIABLES } from '../../../src/config/settings.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const GUIDE = readFileSync(join(ROOT, 'docs/guides/configuration.md'), 'utf8');
const LINK = /\]\(([^)#:\s]*)(?:#([^)\s]*))?\)/g;

/** As the usual renderers make them of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/&\w+;|[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('the documentation', () => {
  for (const [name, variable] of Object.entries(VARIABLES)) {
    it(`has ${name} with its default and its meaning`, () => {
      const preset = 'default' in variable && variable.default ? `\`${variable.default}\`` : '–';
      assert.ok(
        GUIDE.includes(`| \`${name}\` | ${preset} | ${variable.meaning} |`),
        `its row is not as in the code`,
      );
    });
  }

  it('has a row for no other variable', () => {
    const rows = [...GUIDE.matchAll(/^\| `(\w+)` \| [^|]+ \| [^|]+ \|$/gm)].map(([, name]) => name);
    assert.deepEqual(rows, Object.keys(VARIABLES));
  });

  for (const page of globSync(['*.md', 'docs/**/*.md', 'addons/*/README.md'], { cwd: ROOT })) {
    it(`leads somewhere with each link of ${page}`, () => {
      for (const [, path = '', anchor] of readFileSync(join(ROOT, page), 'utf8').matchAll(LINK)) {
        const target = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
        assert.ok(existsSync(target), `${path} is not there`);
        if (anchor)
          assert.ok(anchorsOf(readFileSync(target, 'utf8')).has(anchor), `${path} has no #${anchor}`);
      }
    });
  }
});
