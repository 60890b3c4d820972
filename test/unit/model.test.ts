import assert from 'node:assert/strict';
import * as v from 'valibot';
import { withinDepth } from '../../src/model/json.ts';
import { parseWith } from '../../src/model/parse.ts';

describe('parsing at a border', () => {
  const schema = v.object({
    name: v.string(),
    size: v.pipe(v.number(), v.maxValue(3)),
    kind: v.picklist(['a', 'b']),
  });
  const errorsOf = (input: unknown) => {
    try {
      parseWith(schema, input, 'thing');
    } catch (error) {
      const { code, message, errors } = error as { code: string; message: string; errors: unknown };
      return { code, message, errors };
    }
    return assert.fail('it was taken');
  };

  it('names every field that is wrong, in words', () => {
    assert.deepEqual(errorsOf({ size: 4, kind: 'c' }), {
      code: 'badRequest',
      message: 'thing: "name" is missing',
      errors: [
        { field: 'name', message: 'is missing' },
        { field: 'size', message: 'must be <=3, but is 4' },
        { field: 'kind', message: 'must be ("a" | "b"), but is "c"' },
      ],
    });
  });

  it('says what the whole must be', () => {
    assert.equal(errorsOf(null).message, 'thing: must be Object, but is null');
  });

  it('drops what it does not know', () => {
    assert.deepEqual(parseWith(schema, { name: 'n', size: 1, kind: 'a', more: 1 }, 'thing'), {
      name: 'n',
      size: 1,
      kind: 'a',
    });
  });
});

describe('the depth of JSON', () => {
  it('counts objects and arrays alike', () => {
    assert.equal(withinDepth({ a: [{ b: 1 }] }, 3), true);
    assert.equal(withinDepth({ a: [{ b: 1 }] }, 2), false);
    assert.equal(withinDepth('text', 0), true);
  });
});
