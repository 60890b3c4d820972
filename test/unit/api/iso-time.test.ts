import assert from 'node:assert/strict';
import { isoMicrosecondsWriter, parseIsoTime } from '../../../src/api/iso-time.ts';

describe('ISO 8601 times', () => {
  const MS = Date.UTC(2018, 5, 5, 18, 0, 0);
  for (const [text, ms, exact] of [
    ['2018-06-05T18:00:00Z', MS, true],
    ['2018-06-05T18:00:00.000000Z', MS, true],
    ['2018-06-05T18:00:00.306123Z', MS + 306, false],
    ['2018-06-05T18:00:00.306000000Z', MS + 306, true],
    ['2018-06-05T18:00:00.3', MS + 300, true],
    ['2018-06-05T18:00', MS, true],
    ['2018-06-05t18:00:00z', MS, true],
    ['2018-06-05 18:00:00', MS, true],
    ['2018-06-05T20:00:00+02:00', MS, true],
    ['2018-06-05T20:00:00 02:00', MS, true],
    ['2018-06-05T20:00:00+0200', MS, true],
    ['2018-06-05T14:30:00-03:30', MS, true],
    ['2018-06-05T20:00+02', MS, true],
    ['2018-06-05', Date.UTC(2018, 5, 5), true],
    ['2020-02-29', Date.UTC(2020, 1, 29), true],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(parseIsoTime(text), { ms, exact }));
  }

  for (const text of [
    '',
    'yesterday',
    '1528221600000',
    '2018-02-31',
    '2019-02-29T00:00:00Z',
    '2018-13-01',
    '2018-06-05T25:00:00Z',
    '2018-06-05T24:00:00Z',
    '2018-06-05T18:60:00Z',
    '2018-06-05T18:00:00X',
    '2018-06-05T18:00:00+25:00',
    '2018-06-05T18:00:00+02:00Z',
    '2018-06-05Z',
    '20180605T180000Z',
    '2018-06-05T18',
    ' 2018-06-05',
  ]) {
    it(`refuses "${text}"`, () => assert.equal(parseIsoTime(text), undefined));
  }

  it('writes six decimals, whatever times follow each other', () => {
    const write = isoMicrosecondsWriter();
    for (const ms of [MS, MS + 7, MS + 59_999, MS + 60_000, MS - 1, 0, 9_042, -1, 253_402_300_799_999]) {
      assert.equal(write(ms), `${new Date(ms).toISOString().slice(0, -1)}000Z`);
    }
  });
});
