import assert from 'node:assert/strict';
import {
  digestFor,
  isAllowed,
  parseImageName,
  pullName,
} from '../../../../src/supervisor/containers/image-name.ts';

describe('the name of an image', () => {
  it('is taken apart: repository with its registry, tag, digest', () => {
    assert.deepEqual(parseImageName('registry.local:5000/a/b:1.0'), {
      repository: 'registry.local:5000/a/b',
      tag: '1.0',
      digest: undefined,
    });
    assert.deepEqual(parseImageName('docker.io/library/busybox'), {
      repository: 'busybox',
      tag: undefined,
      digest: undefined,
    });
    assert.equal(parseImageName('a/b:1@sha256:00').digest, 'sha256:00');
  });

  it('is fetched with a tag, for without one all of them would come', () => {
    assert.equal(pullName('a/b'), 'a/b:latest');
    assert.equal(pullName('r:5000/a/b'), 'r:5000/a/b:latest');
    assert.equal(pullName('a/b:2'), 'a/b:2');
    assert.equal(pullName('a/b@sha256:00'), 'a/b@sha256:00');
  });

  it('has the digest of its own repository', () => {
    const digests = ['other/x@sha256:01', 'a/b@sha256:02'];
    assert.equal(digestFor('docker.io/a/b:1', digests), 'a/b@sha256:02');
    assert.equal(digestFor('c/d', digests), undefined);
  });

  it('is allowed by a pattern of its repository, never across a slash', () => {
    const patterns = ['instathings/*', 'nodered/node-red', 'r.local:5000/gate/*'];
    for (const name of [
      'instathings/a:1',
      'docker.io/instathings/a',
      'nodered/node-red:latest',
      'r.local:5000/gate/x',
    ])
      assert.equal(isAllowed(name, patterns), true, name);
    for (const name of [
      'evil/instathings/a',
      'instathings/a/b',
      'r.local:5000/instathings/a',
      'nodered/node-red-evil',
      'noderedXnode-red',
      'r1local:5000/gate/x',
    ])
      assert.equal(isAllowed(name, patterns), false, name);
    assert.equal(isAllowed('a', []), false);
  });
});
