import assert from 'node:assert/strict';
import { HeldValidators } from '../../../src/core/held-validators.ts';

describe('compiled JSON Schemas', () => {
  it('are compiled once for each schema, and two of one $id are not taken for each other', async () => {
    const held = new HeldValidators();
    const text = { $id: 'same', type: 'object', properties: { a: { type: 'string', default: 'x' } } };
    const number = { $id: 'same', type: 'object', properties: { a: { type: 'number' } } };
    const validate = await held.of(text);
    assert.equal(await held.of(text), validate);
    const value = {};
    assert.equal(validate(value), true);
    assert.deepEqual(value, { a: 'x' });
    assert.equal((await held.of(number))({ a: 'x' }), false);
    assert.equal(validate({ a: 'x' }), true);
  });

  it('are none of a schema that is none, and leave the next one alone', async () => {
    const held = new HeldValidators();
    await assert.rejects(held.of({ type: 'nothing' }));
    assert.equal((await held.of({ type: 'object' }))({}), true);
  });
});
