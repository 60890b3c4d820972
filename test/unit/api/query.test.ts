import assert from 'node:assert/strict';
import { parseQuery, readQuery, singleValues } from '../../../src/api/query.ts';
import { readingPageQuery } from '../../../src/api/routes/device-readings.ts';

describe('a query string', () => {
  it('is decoded name by name, in the order given', () => {
    const parameters = parseQuery('a=1&b=%C3%A9+x&a=2&&c&=d');
    assert.deepEqual(
      [...parameters],
      [
        ['a', ['1', '2']],
        ['b', ['é x']],
        ['c', ['']],
        ['', ['d']],
      ],
    );
  });

  it('keeps names that objects have of their own', () => {
    assert.deepEqual([...parseQuery('__proto__=1&constructor=2').keys()], ['__proto__', 'constructor']);
  });

  it('is refused when it cannot be decoded', () => {
    for (const text of ['a=%', '%zz=1', 'a=%E0%A4%A']) {
      assert.throws(() => parseQuery(text), { code: 'badRequest', message: /percent-encoding/ });
    }
  });

  it('may have a parameter that is asked for only once', () => {
    const parameters = parseQuery('a=1&b=1&b=2');
    assert.deepEqual(singleValues(parameters, ['a', 'missing']), { a: '1' });
    assert.throws(() => singleValues(parameters, ['b']), {
      code: 'badRequest',
      errors: [{ field: 'b', message: 'may be given once' }],
    });
  });
});

describe("the query for a device's readings", () => {
  it('has the documented defaults', () => {
    assert.deepEqual(readQuery(readingPageQuery, ''), {
      page: 1,
      perPage: 10,
      sortKey: 'ts',
      descending: false,
    });
  });

  it('takes what is documented', () => {
    assert.deepEqual(readQuery(readingPageQuery, 'start=0&end=5&page=2&perPage=100&sort=-ts'), {
      start: 0,
      end: 5,
      page: 2,
      perPage: 100,
      sortKey: 'ts',
      descending: true,
    });
  });

  it('names every parameter that is wrong', () => {
    assert.throws(
      () => readQuery(readingPageQuery, 'page=0&perPage=1000&sort=up'),
      ({ errors }: { errors: { field: string }[] }) => {
        assert.deepEqual(
          errors.map(({ field }) => field),
          ['page', 'perPage', 'sort'],
        );
        return true;
      },
    );
  });
});
