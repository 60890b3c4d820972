/** A disk that takes no more, by a limit on the size of files: what is acknowledged has been stored all the same. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { devicesIn } from '../../../src/store/registry-records.ts';
import { openForReading } from '../../../src/store/sqlite.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const run = promisify(execFile);
const LIMIT_BYTES = 200_000;
const SUPPORT = pathToFileURL(resolve(import.meta.dirname, '../../support/open-store.ts')).href;

/** Saves devices until one is refused, and says which were not. */
const program = (folder: string) => `
  const { openStore, testDevice } = await import('${SUPPORT}');
  const { store } = await openStore('${folder}');
  const acknowledged = [];
  let refusal;
  for (let n = 0; n < 200 && !refusal; n += 1) {
    const device = { ...testDevice('d' + n), parameters: { text: 'x'.repeat(4000) } };
    await store.saveDevice(device).then(() => acknowledged.push(device.id), (error) => (refusal = error.message));
  }
  console.log(JSON.stringify({ acknowledged, refusal }));
  process.exit(0);
`;

describe('the store on a disk that takes no more', () => {
  it('refuses a device rather than acknowledge what is not kept', async () => {
    const folder = tempFolder();
    try {
      const file = join(folder.path, 'program.mjs');
      writeFileSync(file, program(folder.path));
      const words = [`--fsize=${LIMIT_BYTES}`, process.execPath, file];
      const { stdout } = await run('prlimit', words);
      const { acknowledged, refusal } = JSON.parse(stdout) as { acknowledged: string[]; refusal?: string };
      const database = openForReading(join(folder.path, 'gate.db'));
      const there = devicesIn(database).map(({ id }) => id);
      database.close();
      assert.ok(acknowledged.length > 0);
      assert.deepEqual(there, acknowledged);
      assert.match(refusal ?? '', /gate\.db failed: /);
    } finally {
      folder.remove();
    }
  });
});
