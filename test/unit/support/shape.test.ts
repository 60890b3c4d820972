import assert from 'node:assert/strict';
import { assertShape } from '../../support/shape.ts';

const PRINTED = {
  id: 'a',
  ts: '2020-05-20T08:39:55.995Z',
  on: true,
  list: [{ n: 1 }, { s: 'x' }],
  data: { t: 1.5 },
  none: null,
};

describe('the comparison of shapes', () => {
  it('is content with other values, with more keys, and with entries like any printed one', () => {
    assertShape(PRINTED, {
      ...PRINTED,
      id: 'b',
      ts: '1999-01-01T00:00:00.000Z',
      list: [{ s: 'y', more: 1 }, { n: 7 }, { n: 8 }],
      added: {},
    });
    assertShape([], [1, 2]);
    assertShape(PRINTED, { ...PRINTED, data: {} }, { opaque: ['data'] });
  });

  const differences: [RegExp, object][] = [
    [/^id is number, printed as string/, { id: 1 }],
    [/^ts is string, printed as time/, { ts: 'yesterday' }],
    [/^ts is time with 6 decimals and Z, printed as time with 3/, { ts: '2020-05-20T08:39:55.995000Z' }],
    [/^on is string, printed as boolean/, { on: 'true' }],
    [/^list has no entry/, { list: [] }],
    [/^list is object, printed as list/, { list: {} }],
    [/^list\[\]\.n is missing/, { list: [{ n: 1 }, { x: 1 }] }],
    [/^data\.t is missing/, { data: {} }],
    [/^data is list, printed as object/, { data: [] }],
    [/^none is string, printed as null/, { none: '' }],
  ];
  for (const [message, changed] of differences) {
    it(`names what differs: ${message.source.slice(1)}`, () => {
      assert.throws(() => assertShape(PRINTED, { ...PRINTED, ...changed }), { message });
    });
  }

  it('names a missing key, also below what is opaque beside it', () => {
    const { id: _, ...rest } = PRINTED;
    assert.throws(() => assertShape(PRINTED, rest, { opaque: ['data'] }), { message: /^id is missing/ });
    assert.throws(() => assertShape({ data: {} }, { data: [] }, { opaque: ['data'] }), {
      message: /^data is list/,
    });
    assert.throws(() => assertShape({}, undefined), { message: /^the answer is undefined/ });
  });
});
