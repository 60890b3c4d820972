import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { JsonValue } from '@gate/addon-sdk';
import fc from 'fast-check';
import { datapointType, KNOWN_TYPES } from '../../../addons/knx/src/dpt/datapoint-type.ts';
import type { RawValue } from '../../../addons/knx/src/wire/cemi.ts';
import { CLOCK_SAMPLE, KNX_SAMPLES } from '../../support/knx-samples.ts';

const rawOf = (raw: number | string): RawValue =>
  typeof raw === 'number'
    ? { short: true, bytes: Buffer.of(raw) }
    : { short: false, bytes: Buffer.from(raw, 'hex') };

describe('a value of a KNX datapoint type', () => {
  for (const { dpt, value, raw } of KNX_SAMPLES) {
    it(`is ${typeof raw === 'number' ? raw.toString(2).padStart(6, '0') : raw} for DPT ${dpt} = ${JSON.stringify(value)}`, () => {
      const type = datapointType(dpt);
      assert.deepEqual(type.encode(value), rawOf(raw));
      assert.deepEqual(type.decode(rawOf(raw)), value);
    });
  }

  it('has its flags beside it for date and time', () => {
    const type = datapointType('19.001');
    assert.deepEqual(type.encode(CLOCK_SAMPLE.value), rawOf(CLOCK_SAMPLE.raw));
    const decoded = type.decode(rawOf('7e0b16ed0e0f4180')) as {
      value: string;
      flags: Record<string, boolean>;
    };
    assert.equal(decoded.value, CLOCK_SAMPLE.value);
    const set = Object.entries(decoded.flags).filter(([, flag]) => flag);
    assert.deepEqual(
      set.map(([name]) => name),
      ['workingDay', 'summerTime', 'clockSynchronised'],
    );
    assert.deepEqual(type.encode(decoded), rawOf('7e0b16ed0e0f4180'));
  });

  for (const [dpt, ...wrong] of [
    ['1.001', 'on', 2, null, 'true', {}],
    ['2.001', true, { control: true }, { control: 1, value: 2 }, { control: true, value: true, more: 1 }],
    ['3.007', { direction: 'left', step: 1 }, { direction: 'up', step: 8 }, { step: 1 }],
    ['4.001', 'KN', 'ü', '', 1],
    ['5.001', -1, 100.1, '50', Number.NaN],
    ['5.010', 256, 1.5],
    ['6.001', 128, -129],
    ['7.001', -1, 65_536, 1.5],
    ['7.003', -10, 655_351],
    ['8.010', 327.68, -327.69],
    ['9.001', 1e6, -273.1, '21.5', null, Number.POSITIVE_INFINITY, 670_433.29],
    ['10.001', { hour: 24, minute: 0, second: 0 }, { day: 8, hour: 0, minute: 0, second: 0 }, '12:00:00'],
    ['11.001', '2026-02-29', '1989-12-31', '2090-01-01', '22.11.2026', 5],
    ['12.001', -1, 4_294_967_296],
    ['13.001', 2_147_483_648],
    ['14.001', 1e39, '1'],
    ['15.000', { code: '12345' }, { code: '123456', index: 16 }, '123456'],
    ['16.000', 'fifteen letters', 'Küche', 'a\0b', 1],
    ['16.001', '€'],
    ['17.001', 64],
    ['18.001', { scene: 64 }, { scene: 1, learn: 'yes' }, 5],
    [
      '19.001',
      '2026-11-22',
      '2026-11-22T24:01:00',
      '2026-13-01T00:00:00',
      { value: '2026-11-22T00:00:00', flags: { x: true } },
    ],
    ['20.102', 256],
    ['29.010', 2 ** 53],
    ['232.600', { red: 256, green: 0, blue: 0 }, { red: 1 }, '#ff0000'],
    ['251.600', {}, { red: -1 }, { pink: 1 }],
  ] as [string, ...JsonValue[]][]) {
    it(`is refused for DPT ${dpt}, with what it takes, when it is none`, () => {
      const type = datapointType(dpt);
      for (const value of wrong) {
        assert.throws(() => type.encode(value), { code: 'badRequest', hint: /takes/ }, JSON.stringify(value));
      }
    });
  }

  it('is not read out of a telegram of another length', () => {
    for (const main of KNOWN_TYPES) {
      const type = datapointType(String(main));
      const wrong = [
        rawOf(''),
        rawOf('0001020304050607080910111213141516'),
        { short: true, bytes: Buffer.of(0x3f) },
      ];
      for (const raw of wrong) {
        assert.throws(
          () => type.decode(raw),
          { code: 'badTelegram' },
          `DPT ${main}, ${raw.bytes.toString('hex')}`,
        );
      }
    }
  });

  it('is null where the device says that it has none', () => {
    assert.equal(datapointType('9.001').decode(rawOf('7fff')), null);
    assert.equal(datapointType('14.056').decode(rawOf('7fc00000')), null);
  });

  it('comes back as it went out, or differs by less than the type can tell', () => {
    const nearly = (dpt: string, min: number, max: number, off: (value: number) => number) =>
      fc.assert(
        fc.property(fc.double({ min, max, noNaN: true }), (value) => {
          const type = datapointType(dpt);
          const back = type.decode(type.encode(value)) as number;
          assert.ok(Math.abs(back - value) <= off(value), `${dpt}: ${value} came back as ${back}`);
          assert.deepEqual(type.encode(back), type.encode(value));
        }),
      );
    nearly('9.002', -671_088.64, 670_433.28, (value) => Math.max(0.0051, Math.abs(value) / 2_000));
    nearly('14.000', -3e38, 3e38, (value) => Math.abs(value) / 1e6 + 1e-37);
    nearly('8.010', -327.68, 327.67, () => 0.0051);
    const exactly = (dpt: string, values: fc.Arbitrary<number>) =>
      fc.assert(
        fc.property(values, (value) => {
          const type = datapointType(dpt);
          assert.equal(type.decode(type.encode(value)), value);
        }),
      );
    exactly('5.001', fc.integer({ min: 0, max: 100 }));
    exactly('12.001', fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    exactly('13.001', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    exactly('29.010', fc.maxSafeInteger());
  });

  it('is never anything but a value or a clear error, whatever the telegram', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KNOWN_TYPES),
        fc.boolean(),
        fc.uint8Array({ maxLength: 15 }),
        (main, short, bytes) => {
          const raw = { short, bytes: short ? Buffer.of((bytes[0] ?? 0) & 0x3f) : Buffer.from(bytes) };
          const type = datapointType(String(main));
          try {
            JSON.stringify(type.decode(raw));
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'badTelegram');
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('knows types as ETS and others write them, and no others', () => {
    assert.equal(datapointType('DPST-9-1').id, '9.001');
    assert.equal(datapointType('DPT-5').id, '5');
    assert.equal(datapointType('dpt9.001').id, '9.001');
    assert.equal(datapointType('9.001').unit, '°C');
    for (const unknown of ['', '99.001', 'temperature', '9.', '1000', 9, null, undefined]) {
      assert.throws(() => datapointType(unknown), { code: 'badRequest', hint: /9\.001/ });
    }
  });
});

describe('our data points beside those of the package "knx"', () => {
  interface Dptlib {
    resolve(dpt: string): object;
    populateAPDU(value: unknown, apdu: { data?: Buffer }, dpt: string): void;
    fromBuffer(bytes: Buffer, type: object): unknown;
  }
  const dptlib = createRequire(import.meta.url)('knx/src/dptlib') as Dptlib;
  const same = (dpt: string, values: fc.Arbitrary<JsonValue>) =>
    it(`are the same bytes for DPT ${dpt}, and the same values`, () => {
      fc.assert(
        fc.property(values, (value) => {
          const ours = datapointType(dpt).encode(value).bytes;
          const apdu: { data?: Buffer } = {};
          dptlib.populateAPDU(value, apdu, dpt);
          assert.deepEqual(ours, apdu.data);
          const theirs = dptlib.fromBuffer(ours, dptlib.resolve(dpt));
          const back = datapointType(dpt).decode({ short: dpt.startsWith('1.'), bytes: ours });
          assert.deepEqual(typeof back === 'boolean' ? Number(back) : back, Number(theirs));
        }),
      );
    });
  const between = (min: number, max: number) => fc.integer({ min, max });
  same('1.001', fc.boolean());
  // exact halves go either way in the package, by the error of its binary fractions
  const clear = (full: number) => between(0, full).filter((value) => ((value * 255) / full) % 1 !== 0.5);
  same('5.001', clear(100));
  same('5.003', clear(360));
  same('5.010', between(0, 255));
  same('6.010', between(-128, 127));
  same('7.001', between(0, 65_535));
  same('8.001', between(-32_768, 32_767));
  same('12.001', between(0, 2 ** 32 - 1));
  same('13.001', between(-(2 ** 31), 2 ** 31 - 1));
  // whole numbers of its first octave: further up the package rounds down
  same('9.001', between(-20, 20));
});
