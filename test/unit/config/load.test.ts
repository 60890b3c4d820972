import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '../../../src/config/load.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the settings', () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => folder.remove());

  const load = (environment: Record<string, string> = {}) =>
    loadSettings({ CONFIG_FOLDER: folder.path, ...environment });

  it('have defaults for everything', () => {
    const { PORT, ON_PREMISE_ENABLED, CORS_ORIGINS, PARENT_DEVICE_ID } = load();
    assert.deepEqual([PORT, ON_PREMISE_ENABLED, CORS_ORIGINS, PARENT_DEVICE_ID], [1234, true, [], undefined]);
  });

  it('come from .env, and from the environment before that', () => {
    writeFileSync(join(folder.path, '.env'), 'PORT=8080\nRETENTION_DAYS="7"\n# a remark\nUNKNOWN=1\n');
    assert.equal(load().PORT, 8080);
    assert.equal(load().RETENTION_DAYS, 7);
    assert.equal(load({ PORT: '9090' }).PORT, 9090);
  });

  it('name the variable, what it holds and what it may hold, when it does not parse', () => {
    const cases: [string, string, RegExp][] = [
      ['PORT', 'http', /^PORT is "http", but must be a whole number from 0 to 65535$/],
      ['PORT', '65536', /65535/],
      ['PORT', '-1', /PORT/],
      ['ON_PREMISE_ENABLED', 'yes', /must be true, false, 1 or 0/],
      ['ON_PREMISE_ANONYMOUS', 'write', /must be one of none, read, all/],
      ['PARENT_DEVICE_ID', 'a/b', /PARENT_DEVICE_ID is "a\/b"/],
    ];
    for (const [name, value, message] of cases) {
      assert.throws(() => load({ [name]: value }), { code: 'badSetting', message });
    }
  });

  it('take a variable that is set to nothing for one that is not set', () => {
    assert.equal(load({ PORT: '' }).PORT, 1234);
  });

  it('name a .env that cannot be read', () => {
    assert.throws(() => loadSettings({ CONFIG_FOLDER: '/dev/null' }), {
      code: 'badSetting',
      message: /\.env cannot be read/,
    });
  });
});
