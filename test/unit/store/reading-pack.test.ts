import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import { positioned } from '../../../src/store/history/attribute-shape.ts';
import { encodePack, PackReader } from '../../../src/store/history/reading-pack.ts';
import { splitData } from '../../../src/store/reading-shape.ts';

const value: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constantFrom(null, 'one line\nand another', '', '"', [1, 2], []),
);
const data = fc
  .dictionary(
    fc.constantFrom('a', 'b', '__proto__'),
    fc.oneof(value, fc.dictionary(fc.constantFrom('x', 'y'), value)),
  )
  // what is stored has been through JSON
  .map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);

describe('a pack of readings', () => {
  it('gives back the time, the shape and the data of each reading', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), data), { maxLength: 30 }),
        (sent) => {
          const skeletons: string[] = [];
          let ts = 1_700_000_000_000;
          const readings = sent.map(([step, content]) => {
            const { skeleton, values } = splitData(content);
            if (!skeletons.includes(skeleton)) skeletons.push(skeleton);
            ts += step;
            return { ts, shape: skeletons.indexOf(skeleton), values };
          });
          const reader = new PackReader(encodePack(readings));
          const read = reader.times.map((at, index) => {
            const shape = reader.shapeOf(index);
            const node = positioned(JSON.parse(skeletons[shape] as string) as JsonValue);
            return { at, shape, data: reader.valueAt(index, node) };
          });
          const expected = readings.map((reading, index) => ({
            at: reading.ts,
            shape: reading.shape,
            data: sent[index]?.[1],
          }));
          assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(expected)));
        },
      ),
    );
  });

  it('holds a value once that all of its readings share', () => {
    const readings = Array.from({ length: 200 }, (_, n) => ({ ts: n, shape: 1, values: ['ON', 230] }));
    const { body } = encodePack(readings);
    assert.equal(body.match(/"ON"/g)?.length, 1);
    assert.equal(body.match(/230/g)?.length, 1);
  });
});
