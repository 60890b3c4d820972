import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import { joinData, splitData } from '../../../src/store/reading-shape.ts';

function stored(data: JsonObject): JsonObject {
  const { skeleton, values } = splitData(data);
  return joinData(JSON.parse(skeleton) as JsonValue, JSON.parse(JSON.stringify(values)) as JsonValue[]);
}

describe('the shape of a reading', () => {
  it('gives back any JSON object exactly as it came, keys and their order included', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        // what an add-on sends has been through JSON: -0 is 0 there
        const sent = JSON.parse(JSON.stringify(data)) as JsonObject;
        assert.equal(JSON.stringify(stored(sent)), JSON.stringify(sent));
      }),
    );
  });

  it('keeps a key named __proto__ as a key', () => {
    const sent = JSON.parse('{"__proto__":{"polluted":1},"a":2}') as JsonObject;
    assert.equal(JSON.stringify(stored(sent)), '{"__proto__":{"polluted":1},"a":2}');
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  it('is the same for two readings that differ in values only', () => {
    const first = splitData({ temperature: 21.5, relay: { on: true } });
    const second = splitData({ temperature: 3, relay: { on: false } });
    assert.equal(first.skeleton, second.skeleton);
    assert.deepEqual(first.values, [21.5, true]);
  });

  it('tells an empty object, an empty array and null apart', () => {
    const sent = { object: {}, array: [], nothing: null };
    assert.deepEqual(stored(sent), sent);
  });
});
