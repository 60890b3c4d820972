/** Forms made of a JSON Schema: what they ask for, and what of it becomes parameters. */
import assert from 'node:assert/strict';
import {
  fieldsOf,
  NotJsonError,
  newRow,
  parametersFrom,
  type Typed,
  textOfChosen,
  typedFrom,
} from '../../../src/dashboard/forms/fields.ts';

const POINT = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    flags: { type: 'array', items: { type: 'string', enum: ['read', 'write'] } },
    deeper: { type: 'array', items: { type: 'object', properties: { x: { type: 'number' } } } },
  },
};
const SCHEMA = {
  type: 'object',
  required: ['points'],
  properties: {
    retries: { type: 'integer', default: 3 },
    points: { type: 'array', minItems: 1, maxItems: 9, items: POINT },
    free: { type: 'object' },
  },
};
const fields = fieldsOf(SCHEMA);
const row = (typed: Typed, index: number) => typed.rows['points']?.[index]?.typed as Typed;

describe('a form made of a schema', () => {
  it('has rows for a list of objects, ticks for some of a few, and JSON for what is deeper', () => {
    const kinds = (of: readonly { name: string; kind: string }[]) =>
      of.map(({ name, kind }) => `${name} ${kind}`);
    assert.deepEqual(kinds(fields), ['points rows', 'retries number', 'free json']);
    const [points] = fields;
    assert.deepEqual(kinds(points?.fields ?? []), ['name text', 'flags choices', 'deeper json']);
    assert.deepEqual([points?.minRows, points?.maxRows], [1, 9]);
  });

  it('begins with the rows that there must be, or with those that are given', () => {
    assert.equal(typedFrom(fields).rows['points']?.length, 1);
    const given = typedFrom(fields, { points: [{ name: 'a', flags: ['write'] }, { name: 'b' }] });
    assert.equal(given.rows['points']?.length, 2);
    assert.deepEqual(row(given, 0).text, { name: 'a', flags: '["write"]', deeper: '' });
  });

  it('gives rows back as they were, without what was left empty', () => {
    const points = [
      { name: 'a', flags: ['read', 'write'] },
      { name: 'b', deeper: [{ x: 1 }] },
    ];
    assert.deepEqual(parametersFrom(fields, typedFrom(fields, { points })), { points, retries: 3 });
    const typed = typedFrom(fields, { points: [] });
    assert.deepEqual(parametersFrom(fields, typed), { retries: 3 });
    typed.rows['points'] = [newRow(fields[0]?.fields ?? [])];
    assert.deepEqual(parametersFrom(fields, typed), { points: [{}], retries: 3 });
  });

  it('names the row and the field that is no JSON', () => {
    const typed = typedFrom(fields, { points: [{ name: 'a' }, { name: 'b' }] });
    row(typed, 1).text['deeper'] = 'nonsense';
    assert.throws(
      () => parametersFrom(fields, typed),
      (error: unknown) => error instanceof NotJsonError && error.field === 'points.1.deeper',
    );
  });

  it('keeps what is chosen in the order of what there is to choose', () => {
    const flags = fields[0]?.fields?.find(({ name }) => name === 'flags');
    assert.ok(flags);
    assert.equal(textOfChosen(flags, ['write', 'read']), '["read","write"]');
    assert.equal(textOfChosen(flags, []), '');
  });
});
