import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isoMicrosecondsWriter } from '../../../src/api/iso-time.ts';
import { NUMBER_BYTES_MAX, writeNumber } from '../../../src/api/number-digits.ts';
import { valueBytes } from '../../../src/api/value-bytes.ts';
import type { JsonValue } from '../../../src/model/json.ts';
import { TS_MAX_MS } from '../../../src/model/reading.ts';

interface Entry {
  ts: number;
  value: JsonValue;
}

const SOURCE = { deviceId: 'lamp "ü"', protocol: 'zigbee', attribute: 'a"é.b' };

function written(entries: readonly Entry[]): string {
  const columns = { times: entries.map(({ ts }) => ts), values: entries.map(({ value }) => value) };
  // gathered first, as an answer is: a piece that was written over later would show
  const pieces = [...valueBytes(SOURCE, columns)];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as Buffer))).toString();
}

/** The document's form and order of keys, said by JSON itself. */
function expected(entries: readonly Entry[]): string {
  const iso = isoMicrosecondsWriter();
  const metadata = { protocol: SOURCE.protocol, payload: 'json' };
  return entries
    .map(({ ts, value }) =>
      JSON.stringify({ device_id: SOURCE.deviceId, ts: iso(ts), metadata, value, attr: SOURCE.attribute }),
    )
    .join(',');
}

const decimal = fc.integer({ min: -2_200_000_000, max: 2_200_000_000 }).map((n) => n / 1_000);
const number = fc.oneof(decimal, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 4, arbitrary: number },
  fc.boolean(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom<JsonValue>(null, '\ud800', { a: [1, 'ü'] }),
);

describe('values as bytes', () => {
  it('are what JSON makes of the same entries', () => {
    const near = fc.integer({ min: 0, max: 7_200_000 }).map((ms) => 1_700_000_000_000 + ms);
    const ts = fc.oneof(near, fc.integer({ min: 0, max: TS_MAX_MS }));
    fc.assert(
      fc.property(fc.array(fc.record({ ts, value })), (entries) => {
        assert.equal(written(entries), expected(entries));
      }),
      { numRuns: 500 },
    );
  });

  it('are right across pieces, with long texts between', () => {
    const texts = ['', 'ü'.repeat(15_000), 'x'.repeat(70_000), 'ü'.repeat(70_000), '"'.repeat(30_000)];
    const entries = Array.from({ length: 3_000 }, (_, n) => ({
      ts: 1_700_000_000_000 - n * 10_007,
      value: n % 250 === 0 ? (texts[(n / 250) % texts.length] as string) : n / 8,
    }));
    assert.equal(written(entries), expected(entries));
    assert.equal(
      written([{ ts: 0, value: texts[3] as string }]),
      expected([{ ts: 0, value: texts[3] as string }]),
    );
  });
});

describe('values of a clock that could not be right', () => {
  it('say so at the end of their entry, and the others nothing', () => {
    const columns = { times: [3, 2, 1], values: [0.5, { a: 'ü' }, null] };
    const bytes = [...valueBytes(SOURCE, { ...columns, clocks: new Map([[1, 'unsure']]) })].join('');
    const entry = { device_id: SOURCE.deviceId, metadata: { protocol: 'zigbee', payload: 'json' } };
    const found: object[] = JSON.parse(`[${bytes}]`);
    assert.deepEqual(
      found,
      [
        { ts: '1970-01-01T00:00:00.003000Z', value: 0.5 },
        { ts: '1970-01-01T00:00:00.002000Z', value: { a: 'ü' }, clock: 'unsure' },
        { ts: '1970-01-01T00:00:00.001000Z', value: null },
      ].map((its) => ({ ...entry, ...its, attr: SOURCE.attribute })),
    );
    assert.deepEqual(Object.keys(found[1] ?? {}), ['device_id', 'ts', 'metadata', 'value', 'attr', 'clock']);
  });
});

describe('digits of a number', () => {
  it('are those that JavaScript writes', () => {
    const buffer = Buffer.alloc(NUMBER_BYTES_MAX);
    const edges = [
      0, -0, 0.1, 0.001, 0.0005, -0.001, -0.0000010330156431627311, 1e21, 5e-324, -2.2250738585072014e-308,
      2_147_483.647,
    ];
    fc.assert(
      fc.property(fc.oneof(number, fc.constantFrom(...edges, 2_147_483.648, 1.005, 4.35, 1e-7)), (each) => {
        assert.equal(buffer.toString('latin1', 0, writeNumber(buffer, 0, each)), String(each));
      }),
      { numRuns: 5_000 },
    );
  });
});
