import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { principalIn } from '../../../src/config/principal.ts';
import { tlsSettings } from '../../../src/config/tls-settings.ts';
import { makePair } from '../../support/openssl.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('which certificate the port shows', () => {
  const [TLS_CERT, TLS_KEY] = ['/a/cert.pem', '/a/key.pem'];
  const settings = (given: Partial<Parameters<typeof tlsSettings>[0]>) =>
    tlsSettings({ TLS: 'off', TLS_CERT: undefined, TLS_KEY: undefined, ...given });

  it('is none, one of its own, or the given one, which wins', () => {
    assert.deepEqual(settings({}), { kind: 'off' });
    assert.deepEqual(settings({ TLS: 'self-signed' }), { kind: 'self-signed' });
    const given = { kind: 'given', certificate: TLS_CERT, key: TLS_KEY };
    for (const TLS of ['off', 'self-signed'] as const)
      assert.deepEqual(settings({ TLS, TLS_CERT, TLS_KEY }), given);
  });

  it('needs both files, and names the one that is missing', () => {
    assert.throws(() => settings({ TLS_CERT }), { code: 'badSetting', message: /^TLS_KEY is not set/ });
    assert.throws(() => settings({ TLS_KEY }), { code: 'badSetting', message: /^TLS_CERT is not set/ });
  });
});

describe('the principal of a gateway', () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => folder.remove());

  it('is the SHA-256 of the certificate in its credentials', async () => {
    const { certificate, certificatePath } = makePair(folder.path, 'device');
    renameSync(certificatePath, join(folder.path, 'certificate.pem'));
    const hash = createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
    assert.equal(await principalIn(folder.path), hash);
  });

  it('is N/A where there is none that can be read', async () => {
    assert.equal(await principalIn(folder.path), 'N/A');
    writeFileSync(join(folder.path, 'certificate.pem'), 'nonsense');
    assert.equal(await principalIn(folder.path), 'N/A');
  });
});
