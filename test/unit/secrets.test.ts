/** No file of the project holds a secret that somebody could use, and none of its history would go unseen. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { secretsInHistory } from '../../scripts/secrets/history.ts';
import { secretsIn, textOf } from '../../scripts/secrets/secrets-in.ts';
import { tempFolder } from '../support/temp-folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Put together here, or this file would be one of those. */
function planted(): readonly (readonly [name: string, content: string])[] {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return [
    ['config.env', `AWS_SECRET_ACCESS_KEY=${'wJalrXUtnFEMIK7MDENG'}${'bPxRfiCYzzABCDEFGHiJ'}`],
    ['deploy.md', `the token is ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`],
    ['key.pem', privateKey],
    ['notes.txt', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`],
  ];
}

describe('the files of the project', function () {
  this.timeout(120_000);

  it('hold no secret', async () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
    const files = tracked.split('\0').filter(Boolean);
    assert.ok(files.length > 500, `${files.length} files`);
    const secrets: string[] = [];
    for (const file of files) {
      if (!lstatSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile()) continue;
      const text = textOf(readFileSync(join(ROOT, file)));
      if (text !== undefined) secrets.push(...(await secretsIn(file, text)));
    }
    assert.deepEqual(secrets, []);
  });

  it('would be found out if one did', async () => {
    for (const [name, content] of planted()) assert.notDeepEqual(await secretsIn(name, content), [], name);
  });

  it('would be found out if one ever had, also in the words of a commit, and is never shown', async () => {
    const folder = tempFolder();
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
        cwd: folder.path,
        stdio: 'pipe',
      });
    try {
      git('init', '--quiet');
      for (const [name, content] of planted()) {
        writeFileSync(join(folder.path, name), content);
        git('add', '.');
        git('commit', '--quiet', '--message', `adds ${name}`);
        rmSync(join(folder.path, name));
      }
      git('commit', '--quiet', '--all', '--message', `removes AGE-SECRET-KEY-1${'Z'.repeat(58)}`);
      const { texts, secrets } = await secretsInHistory(folder.path);
      assert.equal(texts, 2 * planted().length + 1);
      for (const name of [...planted().map(([name]) => name), 'the words of commit'])
        assert.ok(
          secrets.some((line) => line.startsWith(name)),
          `${name} in ${secrets.join('\n')}`,
        );
      assert.doesNotMatch(secrets.join(), /Q{58}|Z{58}|wJalrXUtnFEMIK7/);
    } finally {
      folder.remove();
    }
  });
});
