/**
 * Values of each datapoint type beside their bytes, worked out by hand from the KNX standard (03_07_02). A number is
 * what travels inside the telegram's second byte (up to 6 bits).
 */
import type { JsonValue } from '@gate/addon-sdk';

export interface KnxSample {
  dpt: string;
  value: JsonValue;
  raw: number | string;
}

const sample = (dpt: string, value: JsonValue, raw: number | string): KnxSample => ({ dpt, value, raw });

export const KNX_SAMPLES: readonly KnxSample[] = [
  sample('1.001', true, 1),
  sample('1.008', false, 0),
  sample('2.001', { control: true, value: false }, 2),
  sample('3.007', { direction: 'up', step: 3 }, 0x0b),
  sample('3.008', { direction: 'down', step: 0 }, 0),
  sample('4.001', 'K', '4b'),
  sample('5.001', 50, '80'),
  sample('5.001', 100, 'ff'),
  sample('5.003', 360, 'ff'),
  sample('5.010', 200, 'c8'),
  sample('6.010', -128, '80'),
  sample('7.001', 65_535, 'ffff'),
  sample('7.003', 120, '000c'),
  sample('8.001', -2, 'fffe'),
  sample('8.010', -12.34, 'fb2e'),
  sample('9.001', 21.5, '0c33'),
  sample('9.001', -30, '8a24'),
  sample('9.004', 670_433.28, '7ffe'),
  sample('9.002', 0, '0000'),
  sample('10.001', { day: 5, hour: 23, minute: 59, second: 1 }, 'b73b01'),
  sample('11.001', '2026-11-22', '160b1a'),
  sample('11.001', '1999-01-31', '1f0163'),
  sample('12.001', 4_294_967_295, 'ffffffff'),
  sample('13.010', -1_000, 'fffffc18'),
  sample('14.056', 21.6, '41accccd'),
  sample(
    '15.000',
    { code: '123456', error: false, permission: true, readLeftToRight: false, encrypted: false, index: 3 },
    '12345643',
  ),
  sample('16.000', 'KNX is OK', '4b4e58206973204f4b0000000000'),
  sample('16.001', 'Küche', '4bfc636865000000000000000000'),
  sample('17.001', 63, '3f'),
  sample('18.001', { learn: true, scene: 5 }, '85'),
  sample('20.102', 3, '03'),
  sample('23.001', 2, 2),
  sample('26.001', { active: false, scene: 7 }, '47'),
  sample('29.010', -1, 'ffffffffffffffff'),
  sample('232.600', { red: 255, green: 128, blue: 1 }, 'ff8001'),
  sample('251.600', { red: 1, green: 2, blue: 3, white: 4 }, '01020304000f'),
  sample('251.600', { white: 9 }, '000000090001'),
];

/** DPT 19 stands apart: its flags are beside its value. A Sunday. */
export const CLOCK_SAMPLE = { value: '2026-11-22T13:14:15', raw: '7e0b16ed0e0f2000' } as const;
