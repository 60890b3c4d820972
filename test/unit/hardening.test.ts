/** The tables of docs/guides/hardening.md: no provision is left out, nothing is called met without a test, and each test is there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const GUIDES = resolve(import.meta.dirname, '../../docs/guides');
const PAGE = readFileSync(join(GUIDES, 'hardening.md'), 'utf8');
const STATES = [
  'met',
  'when set',
  'in part',
  'not met',
  'the platform’s',
  'the maker’s',
  'does not apply',
] as const;
/** There is nothing to be tested: it is so by what is not there. */
const BY_ITS_NATURE = ['5.8-3 sensing'];

interface Row {
  requirement: string;
  state: string;
  how: string;
  shownBy: string;
}

function rowsOf(title: string): Row[] {
  const [, section = ''] = PAGE.split(`\n## ${title}\n`);
  const [own = ''] = section.split('\n## ');
  return own
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (provision|requirement) \|/.test(line))
    .map((line) => {
      const [requirement = '', state = '', how = '', shownBy = ''] = line.slice(2, -2).split(' | ');
      return { requirement, state, how, shownBy };
    });
}

const ETSI = rowsOf('ETSI EN 303 645');
const CRA = rowsOf('Cyber Resilience Act, Annex I');
const IEC = rowsOf('IEC 62443-4-2, security level 2');
const ALL = [...ETSI, ...CRA, ...IEC];

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('the tables of what is required', () => {
  it('have every provision of ETSI EN 303 645', () => {
    // how many there are of 5.1, 5.2 and so on
    const last = [5, 3, 16, 4, 8, 9, 2, 3, 3, 1, 4, 3, 1];
    const expected = [
      ...last.flatMap((to, at) => range(1, to).map((n) => `5.${at + 1}-${n}`)),
      ...range(1, 5).map((n) => `6-${n}`),
    ];
    const found = ETSI.flatMap(({ requirement }) => {
      const [, clause, numbers = ''] = /^([\d.]+)((?:,? ?-\d+)+) /.exec(requirement) ?? [];
      return [...numbers.matchAll(/-(\d+)/g)].map(([, n]) => `${clause}-${n}`);
    });
    assert.deepEqual(found.toSorted(), expected.toSorted());
  });

  it('have every requirement of Annex I', () => {
    const parts = CRA.map(({ requirement }) => requirement);
    const part1 = parts.filter((each) => !each.startsWith('II '));
    const letters = part1.flatMap((each) => /\(([a-m])\)/.exec(each)?.[1] ?? []);
    assert.deepEqual(letters, [...'abcdefghijklm']);
    assert.ok(part1[0]?.startsWith('I (1) '));
    const numbers = parts
      .filter((each) => each.startsWith('II '))
      .flatMap((each) => [...each.matchAll(/\((\d)\)/g)].map(([, n]) => Number(n)));
    assert.deepEqual(numbers, range(1, 8));
  });

  it('have every requirement of IEC 62443-4-2 that level 2 has of a host device', () => {
    const wanted = [
      ...[1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14].map((n) => `1.${n}`),
      ...[1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13].map((n) => `2.${n}`),
      ...range(1, 14).map((n) => `3.${n}`),
      ...['4.1', '4.2', '4.3', '5.1', '6.1', '6.2'],
      ...[1, 2, 3, 4, 6, 7, 8].map((n) => `7.${n}`),
    ];
    const found = IEC.flatMap(({ requirement }) => {
      const [, from, to] = /3\.(\d+) to 3\.(\d+)/.exec(requirement) ?? [];
      if (from !== undefined) return range(Number(from), Number(to)).map((n) => `3.${n}`);
      return [...requirement.matchAll(/(?<!NDR )\b([1-7]\.\d+)\b/g)].map(([, number = '']) => number);
    });
    assert.deepEqual(found.toSorted(), wanted.toSorted());
  });

  it('say of each how it stands, and how that comes', () => {
    assert.ok(ALL.length > 90, String(ALL.length));
    for (const { requirement, state, how } of ALL) {
      assert.ok((STATES as readonly string[]).includes(state), `${requirement}: ${state}`);
      assert.ok(how.length > 10, requirement);
    }
  });

  it('call nothing met without a test', () => {
    for (const { requirement, state, shownBy } of ALL) {
      if ((state !== 'met' && state !== 'when set') || BY_ITS_NATURE.includes(requirement)) continue;
      assert.match(shownBy, /\]\(\.\.\/\.\.\/(test|scripts\/faults)/, requirement);
    }
  });

  it('name files that are there, each under one name, with tests in it', () => {
    const names = new Map<string, string>();
    for (const { how, shownBy } of ALL) {
      for (const [, name = '', link = ''] of `${how} ${shownBy}`.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)) {
        const path = join(GUIDES, link.replace(/#.*/, ''));
        assert.ok(existsSync(path), link);
        if (!link.startsWith('../../test/')) continue;
        assert.equal(names.get(name) ?? link, link, name);
        names.set(name, link);
        assert.match(readFileSync(path, 'utf8'), /\bit\(/, link);
      }
    }
    assert.ok(names.size > 40, String(names.size));
  });
});
