/** What keeps the daemon small and would come back unseen with one import: docs/decisions/0014. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const SRC = resolve(import.meta.dirname, '../../src');

/** The builtin modules that Node has loaded once `path` is imported. */
function loadedBy(path: string): string[] {
  const program = `await import(${JSON.stringify(resolve(SRC, path))}); process.stdout.write(JSON.stringify(process.moduleLoadList));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as string[];
}

describe('the daemon’s modules', () => {
  it('start no second HTTP client, which nothing here uses', () => {
    assert.deepEqual(
      loadedBy('gateway.ts').filter((name) => /undici\/undici$/.test(name)),
      [],
    );
  });

  it('turn off the table of numbers that the MQTT codec would keep', async () => {
    const { writeToStream } = (await import('mqtt-packet')).default as unknown as {
      writeToStream: { cacheNumbers: boolean };
    };
    await import('../../src/broker/addon-broker.ts');
    assert.equal(writeToStream.cacheNumbers, false);
  });
});
