import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageCommands } from '../../../scripts/images/image-commands.ts';
import { imageNames, writeImageContext } from '../../../scripts/images/image-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const ORDER = {
  name: 'r.local:5000/a/b:1',
  context: '/tmp/b',
  nodeImage: 'node:24-slim',
  push: false,
  platform: undefined,
};
const COMMON = ['--build-arg', 'NODE_IMAGE=node:24-slim', '--tag', 'r.local:5000/a/b:1'];

describe('how images are made', () => {
  it('are made for both kinds of processors where a registry keeps them', () => {
    assert.deepEqual(imageCommands({ ...ORDER, push: true }, { hasBuildx: true }), [
      ['buildx', 'build', ...COMMON, '--platform', 'linux/amd64,linux/arm64', '--push', '/tmp/b'],
    ]);
  });

  it('are made for this machine, or the kind that is named, where its engine keeps them', () => {
    assert.deepEqual(imageCommands(ORDER, { hasBuildx: true }), [
      ['buildx', 'build', ...COMMON, '--load', '/tmp/b'],
    ]);
    assert.deepEqual(imageCommands({ ...ORDER, platform: 'linux/arm64' }, { hasBuildx: true }), [
      ['buildx', 'build', ...COMMON, '--platform', 'linux/arm64', '--load', '/tmp/b'],
    ]);
  });

  it('are made without buildx too, for this machine', () => {
    assert.deepEqual(imageCommands(ORDER, { hasBuildx: false }), [['build', ...COMMON, '/tmp/b']]);
    assert.deepEqual(imageCommands({ ...ORDER, push: true }, { hasBuildx: false }), [
      ['build', ...COMMON, '/tmp/b'],
      ['push', 'r.local:5000/a/b:1'],
    ]);
    const other = { ...ORDER, platform: 'linux/arm64' };
    assert.throws(() => imageCommands(other, { hasBuildx: false }), /needs docker buildx/);
  });

  it('are those of gate’s own add-ons, not Node-RED’s', () => {
    assert.deepEqual([...imageNames().keys()], ['http', 'knx', 'virtual', 'zigbee']);
  });
});

describe('what an image is made of', () => {
  it('has the words of the licences of what is bundled, and gate’s own', () => {
    const folder = tempFolder();
    try {
      const [built, out] = [join(folder.path, 'dist'), join(folder.path, 'context')];
      mkdirSync(join(built, 'addons/virtual'), { recursive: true });
      writeFileSync(join(built, 'THIRD-PARTY-LICENCES.txt'), 'mqtt-packet 9.0.2 (MIT)');
      writeImageContext('virtual', { built, out });
      assert.match(readFileSync(join(out, 'app/THIRD-PARTY-LICENCES.txt'), 'utf8'), /^mqtt-packet/);
      assert.match(readFileSync(join(out, 'app/LICENSE'), 'utf8'), /Apache License/);
    } finally {
      folder.remove();
    }
  });
});
