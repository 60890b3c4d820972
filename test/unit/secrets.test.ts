/** No file of the project holds a secret that somebody could use. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { lintSource } from '@secretlint/core';
import { creator as preset } from '@secretlint/secretlint-rule-preset-recommend';

const ROOT = resolve(import.meta.dirname, '../..');
const CONFIG = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: preset }] };
const FILE_MAX_BYTES = 4 * 1024 * 1024;
/** Of this project's own kinds, which the rules do not know. */
const OWN_KINDS = [/AGE-SECRET-KEY-1[0-9A-Z]{58}/, /-----BEGIN (\w+ )?PRIVATE KEY-----\s+[\w+/=]{16}/];

async function found(filePath: string, content: string): Promise<string[]> {
  const { messages } = await lintSource({
    source: { filePath, content, ext: extname(filePath), contentType: 'text' },
    options: { config: CONFIG, maskSecrets: true },
  });
  const own = OWN_KINDS.filter((kind) => kind.test(content)).map((kind) => `it looks like ${kind}`);
  return [...messages.map(({ message }) => message), ...own].map((message) => `${filePath}: ${message}`);
}

describe('the files of the project', function () {
  this.timeout(120_000);

  it('hold no secret', async () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
    const files = tracked.split('\0').filter(Boolean);
    assert.ok(files.length > 500, `${files.length} files`);
    const secrets: string[] = [];
    for (const file of files) {
      const stat = lstatSync(join(ROOT, file), { throwIfNoEntry: false });
      if (!stat?.isFile() || stat.size > FILE_MAX_BYTES) continue;
      const bytes = readFileSync(join(ROOT, file));
      if (!bytes.includes(0)) secrets.push(...(await found(file, bytes.toString())));
    }
    assert.deepEqual(secrets, []);
  });

  it('would be found out if one did', async () => {
    const { privateKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    // put together here, or this file would be one of those
    const planted = [
      ['config.env', `AWS_SECRET_ACCESS_KEY=${'wJalrXUtnFEMIK7MDENG'}${'bPxRfiCYzzABCDEFGHiJ'}`],
      ['deploy.md', `the token is ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`],
      ['key.pem', privateKey],
      ['notes.txt', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`],
    ] as const;
    for (const [name, content] of planted) assert.notDeepEqual(await found(name, content), [], name);
  });
});
