/** What the updater decides without a machine: which version is newer, and where a release may come from. */
import assert from 'node:assert/strict';
import { demandAllowed, urlOfVersion } from '../../src/updater/fetch-release.ts';
import { compareVersions } from '../../src/updater/forms.ts';

describe('versions of releases', () => {
  it('are ordered as Semantic Versioning (2.0.0, 11) has it', () => {
    const inOrder = [
      '0.9.0',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.2',
      '1.0.10',
      '1.2.0',
      '10.0.0',
    ];
    for (const [place, version] of inOrder.entries()) {
      assert.equal(compareVersions(version, version), 0);
      for (const later of inOrder.slice(place + 1)) {
        assert.ok(compareVersions(version, later) < 0, `${version} comes before ${later}`);
        assert.ok(compareVersions(later, version) > 0, `${later} comes after ${version}`);
      }
    }
  });
});

describe('the addresses of UPDATE_URLS', () => {
  const allowed = ['https://updates.example.com/gate', 'http://10.0.0.5:8080/'];

  it('allow what begins as they do', () => {
    for (const url of [
      'https://updates.example.com/gate/gate-1.0.0-linux-x64.tar.gz',
      'https://updates.example.com:443/gate/a/b.tar.gz',
      'http://10.0.0.5:8080/gate-1.0.0-linux-x64.tar.gz',
    ])
      assert.equal(demandAllowed(url, allowed).href, new URL(url).href);
  });

  it('allow nothing else, however it is written', () => {
    for (const url of [
      'http://updates.example.com/gate/x.tar.gz',
      'https://updates.example.com/gateway/x.tar.gz',
      'https://updates.example.com/gate/../secret/x.tar.gz',
      'https://updates.example.com/gate/%2e%2e/secret/x.tar.gz',
      'https://updates.example.com.evil.example/gate/x.tar.gz',
      'https://updates.example.com@evil.example/gate/x.tar.gz',
      `https://${'user:word'}@updates.example.com/gate/x.tar.gz`,
      'file:///etc/shadow',
      'no address',
    ])
      assert.throws(() => demandAllowed(url, allowed), { code: 'forbidden' }, url);
    assert.throws(() => demandAllowed('https://example.com/x', []), { code: 'forbidden' });
  });

  it('have versions at the first of them', () => {
    assert.equal(
      urlOfVersion('1.2.3', 'arm64', allowed),
      'https://updates.example.com/gate/gate-1.2.3-linux-arm64.tar.gz',
    );
    assert.throws(() => urlOfVersion('1.2.3', 'arm64', []), { code: 'forbidden', hint: /UPDATE_URLS/ });
  });
});
