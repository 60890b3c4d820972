import assert from 'node:assert/strict';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import {
  attributesOf,
  findAttribute,
  positioned,
  valueAt,
} from '../../../src/store/history/attribute-shape.ts';
import { splitData } from '../../../src/store/reading-shape.ts';

function valueIn(data: JsonObject, name: string, root: readonly string[] = []): JsonValue | undefined {
  const { skeleton, values } = splitData(data);
  const node = findAttribute(attributesOf(positioned(JSON.parse(skeleton) as JsonValue), root), name);
  return node && valueAt(node, values);
}

describe('where an attribute lies in a shape', () => {
  const data: JsonObject = {
    temperature: 21.5,
    relay: { ison: true, timer: { left: 3 }, empty: {} },
    list: [1, { a: 2 }],
    'a.b': 'dotted',
    a: { b: 'nested', c: 'below' },
  };

  for (const [name, value] of [
    ['temperature', 21.5],
    ['relay', { ison: true, timer: { left: 3 }, empty: {} }],
    ['relay.ison', true],
    ['relay.timer', { left: 3 }],
    ['relay.timer.left', 3],
    ['relay.empty', {}],
    ['list', [1, { a: 2 }]],
    ['a.b', 'dotted'],
    ['a.c', 'below'],
    ['a', { b: 'nested', c: 'below' }],
    ['nothing', undefined],
    ['relay.nothing', undefined],
    ['temperature.below', undefined],
    ['list.0', undefined],
    ['.relay', undefined],
    ['relay.', undefined],
    ['constructor', undefined],
  ] as const) {
    it(`finds ${name}`, () => assert.deepEqual(valueIn(data, name), value));
  }

  it('looks below the root that wraps what an HTTP device answered', () => {
    const root = ['message', 'data'];
    const wrapped = { type: 'data', message: { data: { relay: { ison: true }, power: 3 } } };
    assert.equal(valueIn(wrapped, 'relay.ison', root), true);
    assert.equal(valueIn(wrapped, 'type', root), undefined);
    assert.deepEqual(valueIn({ type: 'data', message: { data: [1, 2] } }, 'data', root), [1, 2]);
    assert.equal(valueIn({ power: 3 }, 'power', root), 3);
  });

  it('takes a key named __proto__ for a key', () => {
    const sent = JSON.parse('{"__proto__":{"a":1},"b":2}') as JsonObject;
    assert.equal(valueIn(sent, '__proto__.a'), 1);
    assert.equal(valueIn(sent, 'b'), 2);
  });
});
