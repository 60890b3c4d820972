import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPeers, missingPrograms, programPath, reasonToSkip } from '../../../scripts/peers/peers.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the peers of tests and benchmarks', () => {
  const before = { PATH: process.env['PATH'], CI: process.env['CI'] };
  let folder: ReturnType<typeof tempFolder>;

  beforeEach(() => {
    folder = tempFolder();
    process.env['PATH'] = folder.path;
    delete process.env['CI'];
  });
  afterEach(() => {
    folder.remove();
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  function put(program: string): void {
    const path = join(folder.path, program);
    writeFileSync(path, '');
    chmodSync(path, 0o755);
  }

  it('are found in PATH, and none of them is installed again', () => {
    put('knxd');
    assert.deepEqual(missingPrograms('knxd'), ['knxtool']);
    put('knxtool');
    assert.deepEqual(missingPrograms('knxd'), []);
    assert.equal(programPath('knxd'), join(folder.path, 'knxd'));
    assert.deepEqual(installPeers(['knxd']), []);
    assert.equal(reasonToSkip('knxd'), undefined);
  });

  it('are named in the reason of a skip where they are missing, with what to do', () => {
    assert.equal(
      reasonToSkip('curl', 'influxdb'),
      'not installed: curl, influxdb (node scripts/peers.ts curl influxdb)',
    );
  });

  it('fail the run in continuous integration where they are missing', () => {
    process.env['CI'] = 'true';
    assert.throws(() => reasonToSkip('influxdb'), /not installed: influxdb/);
  });

  it('are told with the reason where they cannot be installed', () => {
    // there is no apt-get in this PATH
    assert.deepEqual(installPeers(['influxdb']), [
      'influxdb (influxd): there is no apt-get here: install it by hand',
    ]);
  });
});
