import assert from 'node:assert/strict';
import { codedTag, entityTag, tagHeld } from '../../../src/api/entity-tag.ts';

describe('an entity tag', () => {
  const tag = entityTag(Buffer.from('body'));

  it('is the same for the same body alone', () => {
    assert.equal(entityTag(Buffer.from('body')), tag);
    assert.notEqual(entityTag(Buffer.from('bodies')), tag);
  });

  it('is found in If-None-Match, weak or strong, in whatever coding it was sent', () => {
    const packed = codedTag(tag, 'gzip');
    assert.equal(tagHeld(tag, tag), tag);
    assert.equal(tagHeld(`"a", W/${packed}`, tag), packed);
    assert.equal(tagHeld('*', tag), tag);
  });

  it('is not found where the caller holds another body, or none', () => {
    for (const held of ['', '"a"', codedTag(tag, '<x>'), tag.replaceAll('"', '')]) {
      assert.equal(tagHeld(held, tag), undefined, held);
    }
  });
});
