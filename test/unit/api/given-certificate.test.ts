import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GivenCertificate } from '../../../src/api/certificates/given-certificate.ts';
import { makePair, withoutDates } from '../../support/openssl.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('a certificate that is given', () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => folder.remove());

  const load = (certificate: string, key: string) => new GivenCertificate({ certificate, key }).load();

  it('may have its chain after it, and other text before', async () => {
    const [one, issuer] = [makePair(folder.path, 'one'), makePair(folder.path, 'issuer')];
    const chain = join(folder.path, 'chain.pem');
    writeFileSync(chain, `subject=CN = one\n${one.certificate}\n${issuer.certificate}`);
    const { fingerprint } = await load(chain, one.keyPath);
    assert.equal(fingerprint, (await load(one.certificatePath, one.keyPath)).fingerprint);
  });

  it('is refused with the variable and the file when something is wrong with it', async () => {
    const [one, other] = [makePair(folder.path, 'one'), makePair(folder.path, 'other')];
    const encrypted = join(folder.path, 'encrypted.key');
    execFileSync('openssl', ['ec', '-in', one.keyPath, '-aes256', '-passout', 'pass:x', '-out', encrypted], {
      stdio: 'ignore',
      timeout: 20_000,
    });
    const huge = join(folder.path, 'huge');
    writeFileSync(huge, Buffer.alloc(1024 * 1024 + 1));
    const dateless = join(folder.path, 'dateless');
    writeFileSync(dateless, withoutDates(one.certificate));
    const { certificatePath: certificate, keyPath: key } = one;
    const cases: [string, string, RegExp][] = [
      [join(folder.path, 'none'), key, /^TLS_CERT \(.*none\) cannot be read: ENOENT/],
      [folder.path, key, /^TLS_CERT .* cannot be read: it is not a file/],
      [huge, key, /^TLS_CERT .* cannot be read: it has more than 1048576 bytes/],
      [key, key, /^TLS_CERT .* holds no certificate in PEM form/],
      [certificate, certificate, /^TLS_KEY .* holds no private key in PEM form/],
      [certificate, encrypted, /^TLS_KEY .* is encrypted/],
      [dateless, key, /^TLS_CERT .* does not say until when it is valid/],
      [certificate, other.keyPath, /^TLS_KEY .* is not the private key of TLS_CERT/],
    ];
    for (const [certificatePath, keyPath, message] of cases) {
      await assert.rejects(load(certificatePath, keyPath), { code: 'badSetting', message });
    }
  });
});
