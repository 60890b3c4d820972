/** Known weaknesses out of a folder of advisories: who is affected, as the OSV schema has it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Advisory, isAffected, weaknessesIn } from '../../../scripts/audit/advisories.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const about = (affected: object, more: object = {}): Advisory => ({
  id: 'GHSA-xxxx-xxxx-xxxx',
  summary: 'It falls over',
  affected: [{ package: { ecosystem: 'npm', name: 'thing' }, ...affected }],
  ...more,
});
const events = (...list: object[]) => ({ ranges: [{ type: 'SEMVER', events: list }] });

describe('an advisory', () => {
  const affects = (advisory: Advisory, ...versions: string[]) =>
    versions.map((version) => isAffected(advisory, { name: 'thing', version }));

  it('holds from where a fault came in until it was mended, again and again', () => {
    const twice = about(
      events({ introduced: '2.0.0' }, { fixed: '2.1.0' }, { introduced: '0' }, { fixed: '1.2.10' }),
    );
    assert.deepEqual(
      affects(twice, '0.1.0', '1.2.9', '1.2.10', '1.9.0', '2.0.0-rc.1', '2.0.0', '2.0.99', '2.1.0', '3.0.0'),
      [true, true, false, false, false, true, true, false, false],
    );
  });

  it('holds up to the last version that is known, whichever way that is said', () => {
    assert.deepEqual(
      affects(about(events({ introduced: '0' }, { last_affected: '1.2' })), '1.2.0', '1.2.1'),
      [true, false],
    );
    const range = { database_specific: { last_known_affected_version_range: '<= 1.4.0' } };
    assert.deepEqual(affects(about({ ...events({ introduced: '0' }), ...range }), '1.4.0', '1.4.1'), [
      true,
      false,
    ]);
    assert.deepEqual(affects(about({ versions: ['1.0.0'] }), '1.0.0', '1.0.1'), [true, false]);
    assert.deepEqual(affects(about(events({ introduced: '0' })), '0.0.1', '99.0.0'), [true, true]);
  });

  it('holds for its package alone, and for nobody when it was withdrawn', () => {
    const all = about(events({ introduced: '0' }));
    assert.equal(isAffected(all, { name: 'other', version: '1.0.0' }), false);
    const elsewhere: Advisory = {
      id: 'GHSA-y',
      affected: [{ package: { ecosystem: 'PyPI', name: 'thing' }, ...events({ introduced: '0' }) }],
    };
    assert.equal(isAffected(elsewhere, { name: 'thing', version: '1.0.0' }), false);
    assert.deepEqual(affects({ ...all, withdrawn: '2026-01-01T00:00:00Z' }, '1.0.0'), [false]);
  });

  it('is found in a folder with many, once for each version that is installed', () => {
    const folder = tempFolder();
    try {
      assert.throws(() => weaknessesIn(folder.path, []), /holds no advisories/);
      mkdirSync(join(folder.path, '2026/11'), { recursive: true });
      const file = (name: string, advisory: object) =>
        writeFileSync(join(folder.path, '2026/11', name), JSON.stringify(advisory));
      file('a.json', about(events({ introduced: '1.0.0' }, { fixed: '1.5.0' })));
      file('b.json', { id: 'GHSA-z', affected: [{ package: { ecosystem: 'Go', name: 'thing' } }] });
      const installed = ['0.9.0', '1.0.0', '1.4.0', '1.4.0', '1.5.0'].map((version) => ({
        name: 'thing',
        version,
      }));
      const { advisories, found } = weaknessesIn(folder.path, installed);
      assert.equal(advisories, 1);
      assert.deepEqual(
        found.map(({ id, version, title }) => [id, version, title]),
        [
          ['GHSA-xxxx-xxxx-xxxx', '1.0.0', 'It falls over'],
          ['GHSA-xxxx-xxxx-xxxx', '1.4.0', 'It falls over'],
        ],
      );
    } finally {
      folder.remove();
    }
  });
});
