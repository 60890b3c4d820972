/** dojot's history document: each request as it is printed, its answer compared with the printed JSON. */
import assert from 'node:assert/strict';
import { assertShape } from '../../support/shape.ts';
import { until } from '../../support/until.ts';
import { House } from './support/house.ts';
import {
  ATTR_NOT_FOUND,
  DEVICE_NOT_FOUND,
  FIRST_VALUES,
  LAST_VALUES,
  NO_VALUES,
  NOTIFICATIONS,
} from './support/printed.ts';

const HEADERS = `-H 'Content-Type: application/json' -H 'Authorization: Bearer JWT'`;
const LAST_N =
  'http://localhost:8000/history/device/b374a5/history?lastN=3&attr=temperature&dateFrom=2018-06-05T18:00:00Z&dateTo=2018-06-15T18:00:00Z';
const FIRST_N =
  'http://localhost:8000/history/device/b374a5/history?firstN=3&attr=temperature,pressure&dateFrom=2010-01-01T00:00:00Z&dateTo=2018-06-15T18:00:00Z';
const DAY_MS = 86_400_000;

/** A gateway keeps no readings of those years: the same dates, so that they lie about those that there are. */
function withDatesOfNow(uri: string): string {
  const day = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
  return uri
    .replace(/(dateFrom=)\d{4}-\d\d-\d\d/, `$1${day(15)}`)
    .replace(/(dateTo=)\d{4}-\d\d-\d\d/, `$1${day(5)}`);
}

describe('the history document', () => {
  let house: House;
  let deviceId: string;
  before(async () => {
    house = await House.open();
    deviceId = await house.addDocumented();
    await until('the readings of the examples are there', async () => {
      const path = `/device/v1/devices/${deviceId}/data`;
      return (await house.daemon.api.get<{ totalItems: number }>(path)).totalItems >= 3;
    });
  });
  after(() => house?.close());

  const get = (uri: string, id = deviceId) => house.curl(`curl '${uri}' ${HEADERS}`, { b374a5: id });

  it('Filter by last N values and only one attribute', async () => {
    const { status, headers, body } = await get(withDatesOfNow(LAST_N));
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^application\/json; charset=utf-8$/i);
    assertShape(LAST_VALUES, body);
    // this device has sent what is printed: the newest first, as texts
    const values = body as typeof LAST_VALUES;
    assert.deepEqual(
      values.map(({ value, attr, ts }) => [value, attr, ts.slice(11)]),
      LAST_VALUES.map(({ value, attr, ts }) => [value, attr, ts.slice(11)]),
    );
    assert.ok(values.every((entry) => entry.device_id === deviceId && entry.metadata.payload === 'json'));
  });

  it('Filter by last N values and only one attribute, with the printed dates', async () => {
    const { status, body } = await get(LAST_N);
    assert.deepEqual([status, body], [200, []]);
  });

  it('Filter by first N values and somes attributes', async () => {
    const { status, body } = await get(withDatesOfNow(FIRST_N));
    assert.equal(status, 200);
    assertShape(FIRST_VALUES, body);
    const valuesOf = ({ temperature, pressure }: typeof FIRST_VALUES) =>
      [temperature, pressure].map((values) => values.map(({ value, attr }) => [attr, value]));
    assert.deepEqual(Object.keys(body as object), Object.keys(FIRST_VALUES));
    assert.deepEqual(valuesOf(body as typeof FIRST_VALUES), valuesOf(FIRST_VALUES));
  });

  it('If there is no data for the filter used', async () => {
    const { status, body } = await get(FIRST_N);
    assert.deepEqual([status, body], [200, NO_VALUES]);
  });

  it('?lastN=3&attr=temperature,pressure and ?firstN=3&attr=temperature,pressure', async () => {
    const base = 'http://localhost:8000/history/device/b374a5/history';
    const orderOf = async (query: string) => {
      const { body } = await get(base + query);
      assertShape(FIRST_VALUES, body);
      return (body as typeof FIRST_VALUES).temperature.map(({ ts }) => ts);
    };
    const ascending = await orderOf('?firstN=3&attr=temperature,pressure');
    assert.deepEqual(ascending, [...ascending].sort());
    assert.deepEqual(await orderOf('?lastN=3&attr=temperature,pressure'), ascending.toReversed());
  });

  it('If no query string is set, then all values from all attributes are returned', async () => {
    const { status, body } = await get('http://localhost:8000/history/device/b374a5/history');
    assert.equal(status, 200);
    assertShape(FIRST_VALUES, body);
    const { temperature, pressure } = body as typeof FIRST_VALUES;
    assert.deepEqual([temperature.length, pressure.length], [3, 3]);
  });

  it('404: Device not found, for both filters', async () => {
    const silent = await house.addVirtual('silent');
    for (const uri of [LAST_N, FIRST_N]) {
      for (const id of ['b374a5', silent]) {
        const { status, headers, body } = await get(uri, id);
        assert.deepEqual([status, body], [404, DEVICE_NOT_FOUND]);
        assert.match(headers.get('content-type') ?? '', /^application\/json; charset=utf-8$/i);
      }
    }
  });

  it('404: Attr not found', async () => {
    const { status, body } = await get(LAST_N.replace('attr=temperature', 'attr=colour'));
    assert.deepEqual([status, body], [404, ATTR_NOT_FOUND]);
  });

  it('Get notifications from a tenant', async () => {
    const uri = 'http://localhost:8000/history/notifications/history';
    // what the gateway notices here: log-ins that fail
    for (let n = 0; n < 5; n += 1) {
      const wrong = { clientId: house.clientId, clientSecret: 'wr0ng' };
      const answer = await fetch(`${house.daemon.url}/authentication/v1/oauth/token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(wrong),
      });
      assert.equal(answer.status, 401);
    }
    const { status, body } = await get(uri);
    assert.equal(status, 200);
    assertShape(NOTIFICATIONS, body);
    const { notifications } = body as typeof NOTIFICATIONS;
    const failing = notifications.filter(({ subject }) => subject === 'log_ins_failing');
    assert.equal(failing.length, 1);
    assert.match(String(failing[0]?.message), new RegExp(`127\\.0\\.0\\.1.*client "${house.clientId}"`));
    assert.equal(JSON.stringify(body).includes('wr0ng'), false);
  });
});
