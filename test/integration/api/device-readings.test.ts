import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest } from './support/api-under-test.ts';

interface Page {
  data: { _id: string; data: JsonObject; deviceId: string; ts: string }[];
  totalItems: number;
}

describe("a device's readings over REST", () => {
  let gate: ApiUnderTest;
  let id: string;
  before(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
    ({ id } = await gate.devices.create({ name: 'doc', isVirtual: true }));
    const readings = Array.from({ length: 120 }, (_, n) => ({
      ts: 1_589_963_995_000 + n,
      data: { value: n },
    }));
    await gate.record(id, readings);
  });
  after(() => gate.stop());

  const page = (query: string) => gate.call<Page>(`/device/v1/devices/${id}/data${query}`);
  const values = async (query: string) => (await page(query)).body.data.map(({ data }) => data['value']);

  it('has the documented shape, in the printed order of keys', async () => {
    const { status, headers, body } = await page('?perPage=1');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.deepEqual(Object.keys(body), ['data', 'totalItems']);
    const [reading] = body.data;
    assert.ok(reading);
    assert.deepEqual(Object.keys(reading), ['_id', 'data', 'deviceId', 'ts']);
    assert.match(reading._id, /^[0-9a-f]{24}$/);
    assert.deepEqual(
      { ...reading, _id: '' },
      { _id: '', data: { value: 0 }, deviceId: id, ts: '2020-05-20T08:39:55.000Z' },
    );
    assert.equal(body.totalItems, 120);
  });

  it('gives ten a page, the oldest first, when nothing is asked', async () => {
    assert.deepEqual(await values(''), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('gives the page that is asked for', async () => {
    assert.deepEqual(await values('?page=2&perPage=3'), [3, 4, 5]);
    assert.equal((await values('?perPage=100')).length, 100);
    assert.deepEqual(await values('?page=999'), []);
  });

  for (const [query, first] of [
    ['?sort=-ts', 119],
    ['?sort=ts', 0],
    ['?sort=+ts', 0],
    ['?sort=%2Bts', 0],
    ['?sort=deviceId', 0],
  ] as const) {
    it(`sorts by ${query}`, async () => {
      assert.equal((await values(query))[0], first);
    });
  }

  it('takes start and end as inclusive', async () => {
    assert.deepEqual(await values('?start=1589963995003&end=1589963995005'), [3, 4, 5]);
    assert.deepEqual(await values('?start=1589963995004&end=1589963995004'), [4]);
  });

  it('ignores a parameter that it does not know', async () => {
    assert.equal((await page('?colour=red&colour=blue')).status, 200);
  });

  for (const [query, field, allowed] of [
    ['page=0', 'page', /whole number from 1/],
    ['page=-1', 'page', /whole number from 1/],
    ['page=1.5', 'page', /whole number from 1/],
    ['page=', 'page', /whole number from 1/],
    ['perPage=0', 'perPage', /from 1 to 100/],
    ['perPage=101', 'perPage', /from 1 to 100/],
    ['perPage=1e1', 'perPage', /from 1 to 100/],
    ['start=yesterday', 'start', /milliseconds/],
    ['end=2020-05-20', 'end', /milliseconds/],
    ['end=999999999999999', 'end', /milliseconds/],
    ['sort=colour', 'sort', /one of ts, deviceId/],
    ['sort=--ts', 'sort', /one of ts, deviceId/],
    ['start=2&end=1', 'start', /later than "end"/],
    ['page=1&page=2', 'page', /once/],
  ] as const) {
    it(`refuses ${query}, naming the parameter and what it may be`, async () => {
      const { status, body } = await gate.call(`/device/v1/devices/${id}/data?${query}`);
      assert.equal(status, 400);
      assert.equal(body['code'], 'badRequest');
      assert.match(String(body['message']), new RegExp(`"${field}"`));
      const [error] = body['errors'] as JsonObject[];
      assert.equal(error?.['field'], field);
      assert.match(String(error?.['message']), allowed);
    });
  }

  it('answers 404 for a device that is not there', async () => {
    const { status, body } = await gate.call('/device/v1/devices/nobody/data');
    assert.deepEqual([status, body['code']], [404, 'notFound']);
  });
});
