import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { signingRequest } from '../../../src/cloud/signing-request.ts';

describe('a request for a certificate', () => {
  before(function () {
    const reason = reasonToSkip('openssl');
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });

  const openssl = (request: string, ...words: string[]) =>
    execFileSync('openssl', ['req', '-noout', ...words], { input: request, stdio: 'pipe', encoding: 'utf8' });

  for (const name of ['G', '9IHOifUF4', 'a name, with = and "', 'Tür 7', 'x'.repeat(64)])
    it(`for "${name.slice(0, 20)}" is one that openssl takes, whatever the length of its signature`, () => {
      for (let n = 0; n < 20; n += 1) {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const request = signingRequest(privateKey, name);
        openssl(request, '-verify');
        const publicKey = openssl(request, '-pubkey').trim();
        assert.equal(
          publicKey,
          String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })).trim(),
        );
      }
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const subject = openssl(
        signingRequest(privateKey, name),
        '-subject',
        '-nameopt',
        'utf8,sname,sep_multiline',
      );
      assert.ok(subject.includes(`CN=${name}`), subject);
    });
});
