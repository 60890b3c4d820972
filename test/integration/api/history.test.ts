/** Every example of the dojot document (History API), asked for as printed; and what is added to it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import { HistoryQuery } from '../../../src/store/history/history-query.ts';
import { openForReading } from '../../../src/store/sqlite.ts';
import { type OpenedStore, openStore, TEST_ADDON } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { ApiUnderTest, HTTP_TYPE } from './support/api-under-test.ts';

interface Entry {
  device_id: string;
  ts: string;
  metadata: { protocol: string; payload: string };
  value: JsonValue;
  attr: string;
}

const DEVICE_MISSING = {
  title: 'Device not found',
  description: 'No data for the given device could be found',
};
const ATTR_MISSING = {
  title: 'Attr not found',
  description: 'No data for the given attribute could be found',
};

describe('the history of attributes over REST', () => {
  const folder = tempFolder();
  let opened: OpenedStore;
  let gate: ApiUnderTest;
  let meter: string;
  let plug: string;
  let silent: string;

  async function deviceWith(input: Parameters<typeof gate.devices.create>[0]): Promise<string> {
    const device = await gate.devices.create(input);
    await opened.store.saveDevice(device);
    return device.id;
  }

  async function send(deviceId: string, time: string, data: JsonObject): Promise<void> {
    await opened.store.append(TEST_ADDON, { deviceId, id: time, ts: Date.parse(time), data });
  }

  before(async () => {
    opened = await openStore(folder.path, { retentionDays: 100_000 });
    gate = await ApiUnderTest.start(
      { anonymous: 'read', corsOrigins: ['http://panel.example'] },
      opened.store,
    );
    meter = await deviceWith({ name: 'meter', isVirtual: true });
    silent = await deviceWith({ name: 'silent', isVirtual: true });
    plug = await deviceWith({ name: 'plug', type: HTTP_TYPE, parameters: { hostname: '192.168.1.2' } });
    await send(meter, '2010-01-01T10:11:22.306Z', { temperature: '24.10', pressure: '1053' });
    await send(meter, '2010-01-01T10:12:22.306Z', { temperature: '23.12', pressure: '1033' });
    await send(meter, '2010-01-01T10:13:22.306Z', { temperature: '22.12', pressure: '1013' });
    await send(meter, '2018-06-06T13:41:33.306Z', { temperature: '24.10', level: 1 });
    await send(meter, '2018-06-06T13:42:33.306Z', { temperature: '23.12', level: -2.5 });
    await send(meter, '2018-06-06T13:43:33.306Z', {
      temperature: '22.12',
      level: true,
      list: [1, { a: null }],
    });
    const answered = { relays: [{ ison: true }], relay: { ison: false, source: 'http' }, power: 3.5 };
    await send(plug, '2024-03-01T00:00:00.001Z', { type: 'data', message: { data: answered } });
  });
  after(async () => {
    await gate.stop();
    await opened.store.stop();
    folder.remove();
  });

  const ask = <Body = Entry[]>(deviceId: string, query = '', headers: Record<string, string> = {}) =>
    gate.call<Body>(`/history/device/${deviceId}/history${query}`, { headers });
  const values = async (query: string) => (await ask(meter, query)).body.map(({ value }) => value);

  /** The document's entries have these keys, in this order, with these types. */
  function assertEntry(entry: Entry): void {
    assert.deepEqual(Object.keys(entry), ['device_id', 'ts', 'metadata', 'value', 'attr']);
    assert.deepEqual(Object.keys(entry.metadata), ['protocol', 'payload']);
    assert.match(entry.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.deepEqual(
      [entry.device_id, entry.attr, entry.metadata.protocol, entry.metadata.payload].map(
        (part) => typeof part,
      ),
      ['string', 'string', 'string', 'string'],
    );
  }

  describe("the document's examples", () => {
    it('last N values of one attribute: an array, the newest first', async () => {
      const { status, headers, body } = await ask(
        meter,
        '?lastN=3&attr=temperature&dateFrom=2018-06-05T18:00:00Z&dateTo=2018-06-15T18:00:00Z',
      );
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'application/json; charset=utf-8');
      body.forEach(assertEntry);
      assert.deepEqual(
        body,
        ['22.12', '23.12', '24.10'].map((value, n) => ({
          device_id: meter,
          ts: `2018-06-06T13:4${3 - n}:33.306000Z`,
          metadata: { protocol: 'virtual', payload: 'json' },
          value,
          attr: 'temperature',
        })),
      );
    });

    it('first N values of several attributes: an object of arrays, the oldest first', async () => {
      const { status, body } = await ask<Record<string, Entry[]>>(
        meter,
        '?firstN=3&attr=temperature,pressure&dateFrom=2010-01-01T00:00:00Z&dateTo=2018-06-15T18:00:00Z',
      );
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(body), ['temperature', 'pressure']);
      for (const [attr, list] of Object.entries(body)) {
        list.forEach(assertEntry);
        assert.ok(list.every((entry) => entry.attr === attr));
      }
      assert.deepEqual(
        body['pressure']?.map(({ ts, value }) => [ts, value]),
        [
          ['2010-01-01T10:11:22.306000Z', '1053'],
          ['2010-01-01T10:12:22.306000Z', '1033'],
          ['2010-01-01T10:13:22.306000Z', '1013'],
        ],
      );
    });

    it('no data for the filter used: empty arrays', async () => {
      const filter = 'dateFrom=2012-01-01T00:00:00Z&dateTo=2013-01-01T00:00:00Z';
      const several = await ask<JsonObject>(meter, `?firstN=3&attr=temperature,pressure&${filter}`);
      assert.deepEqual([several.status, several.body], [200, { temperature: [], pressure: [] }]);
      const one = await ask(meter, `?lastN=3&attr=temperature&${filter}`);
      assert.deepEqual([one.status, one.body], [200, []]);
    });

    it('no history for the device: 404, word for word', async () => {
      for (const id of [silent, 'b374a5']) {
        const { status, headers, body } = await ask<JsonObject>(id, '?lastN=3&attr=temperature');
        assert.deepEqual([status, body], [404, DEVICE_MISSING]);
        assert.equal(headers['content-type'], 'application/json; charset=utf-8');
      }
    });

    it('no history for the attribute: 404, word for word', async () => {
      for (const query of ['?attr=humidity', '?attr=humidity,colour', '?attr=humidity&interval=1h']) {
        const { status, body } = await ask<JsonObject>(meter, query);
        assert.deepEqual([status, body], [404, ATTR_MISSING]);
      }
      const some = await ask<Record<string, Entry[]>>(meter, '?attr=humidity,pressure&lastN=1');
      assert.deepEqual([some.body['humidity'], some.body['pressure']?.[0]?.value], [[], '1013']);
    });

    it('no query string: all values of all attributes', async () => {
      const { body } = await ask<Record<string, Entry[]>>(meter);
      assert.deepEqual(
        Object.entries(body).map(([attr, list]) => [attr, list.length]),
        [
          ['temperature', 6],
          ['pressure', 3],
          ['level', 3],
          ['list', 1],
        ],
      );
    });
  });

  it('gives values in the type that the device sent, the newest first', async () => {
    assert.deepEqual(await values('?attr=level'), [true, -2.5, 1]);
    assert.deepEqual(await values('?attr=list'), [[1, { a: null }]]);
  });

  it('takes bounds as inclusive, with microseconds and zone offsets', async () => {
    const at = '2018-06-06T13:42:33.306';
    assert.deepEqual(await values(`?attr=level&dateFrom=${at}000Z&dateTo=${at}000Z`), [-2.5]);
    assert.deepEqual(await values(`?attr=level&dateFrom=${at}001Z`), [true]);
    assert.deepEqual(await values(`?attr=level&dateTo=${at}999Z`), [-2.5, 1]);
    assert.deepEqual(await values('?attr=level&dateFrom=2018-06-06T15:43:00%2B02:00'), [true]);
    assert.deepEqual(await values('?attr=level&dateFrom=2018-06-06T15:43:00+02:00'), [true]);
  });

  it('looks inside the wrapper of an HTTP device, and below its keys', async () => {
    const { body } = await ask<Record<string, Entry[]>>(plug);
    assert.deepEqual(Object.keys(body), ['relays', 'relay', 'power']);
    assert.deepEqual(body['relay']?.[0]?.value, { ison: false, source: 'http' });
    assert.equal(body['relay']?.[0]?.metadata.protocol, 'http');
    const below = await ask(plug, '?attr=relay.ison');
    assert.deepEqual(
      below.body.map(({ value, attr }) => [value, attr]),
      [[false, 'relay.ison']],
    );
  });

  for (const [query, field, allowed] of [
    ['lastN=0', 'lastN', /whole number from 1 to 10000/],
    ['lastN=10001', 'lastN', /whole number from 1 to 10000/],
    ['firstN=1.5', 'firstN', /whole number/],
    ['firstN=', 'firstN', /whole number/],
    ['firstN=1&lastN=1', 'firstN', /together with "lastN"/],
    ['dateFrom=yesterday', 'dateFrom', /ISO 8601/],
    ['dateTo=1528221600000', 'dateTo', /ISO 8601/],
    ['dateTo=2018-02-30', 'dateTo', /ISO 8601/],
    ['dateFrom=2019-01-01&dateTo=2018-01-01', 'dateFrom', /later than "dateTo"/],
    ['attr=', 'attr', /separated by commas/],
    ['attr=a,,b', 'attr', /separated by commas/],
    ['attr=a&attr=b', 'attr', /once/],
    ['interval=5', 'interval', /such as 5m/],
    ['interval=367d', 'interval', /366d/],
    ['interval=1h&lastN=3', 'interval', /together/],
    ['interval=1s', 'interval', /at least \d+h here/],
  ] as const) {
    it(`refuses ${query}, naming the parameter and what it may be`, async () => {
      const { status, body } = await ask<JsonObject>(meter, `?${query}`);
      assert.equal(status, 400, JSON.stringify(body));
      const [error] = body['errors'] as JsonObject[];
      assert.deepEqual([body['code'], error?.['field']], ['badRequest', field]);
      assert.match(String(error?.['message']), allowed);
    });
  }

  it('gives statistics by interval, for numbers and booleans', async () => {
    const one = await ask<JsonObject[]>(meter, '?attr=level&interval=2m&dateFrom=2018-01-01');
    assert.deepEqual(one.body, [
      {
        device_id: meter,
        ts: '2018-06-06T13:42:00.000000Z',
        attr: 'level',
        min: -2.5,
        max: 1,
        mean: -0.75,
        count: 2,
      },
      {
        device_id: meter,
        ts: '2018-06-06T13:40:00.000000Z',
        attr: 'level',
        min: 1,
        max: 1,
        mean: 1,
        count: 1,
      },
    ]);
    assert.deepEqual(Object.keys(one.body[0] ?? {}), [
      'device_id',
      'ts',
      'attr',
      'min',
      'max',
      'mean',
      'count',
    ]);
    const all = await ask<JsonObject>(meter, '?interval=366d');
    assert.deepEqual(all.body['temperature'], []);
  });

  it('answers CSV to who asks for it, in the same order', async () => {
    const csv = { Accept: 'text/csv' };
    const { status, headers, body } = await ask<string>(meter, '?attr=level,list&lastN=2', csv);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/csv; charset=utf-8; header=present');
    assert.deepEqual(body.split('\r\n'), [
      'device_id,ts,attr,value',
      `${meter},2018-06-06T13:43:33.306000Z,level,true`,
      `${meter},2018-06-06T13:42:33.306000Z,level,-2.5`,
      `${meter},2018-06-06T13:43:33.306000Z,list,"[1,{""a"":null}]"`,
      '',
    ]);
    const buckets = await ask<string>(meter, '?attr=level&interval=1h&dateFrom=2018-01-01', csv);
    assert.equal(
      buckets.body,
      `device_id,ts,attr,min,max,mean,count\r\n${meter},2018-06-06T13:00:00.000000Z,level,-2.5,1,${-0.5 / 3},3\r\n`,
    );
    const missing = await ask<JsonObject>('nobody', '', csv);
    assert.deepEqual([missing.status, missing.body], [404, DEVICE_MISSING]);
  });

  it('answers CSV nowhere else, and JSON to who takes both', async () => {
    const elsewhere = await gate.call('/device/v1/devices', { headers: { Accept: 'text/csv' } });
    assert.equal(elsewhere.status, 406);
    const neither = await ask<JsonObject>(meter, '', { Accept: 'text/html' });
    assert.deepEqual([neither.status, neither.body['code']], [406, 'notAcceptable']);
    for (const accept of ['*/*', 'application/json, text/csv', 'text/csv;q=0.5, application/json']) {
      const { headers } = await ask(meter, '?lastN=1', { Accept: accept });
      assert.match(String(headers['content-type']), /^application\/json/);
      assert.match(String(headers.vary), /Accept/);
    }
  });

  it('says in a header where an answer was cut', async () => {
    const counter = await deviceWith({ name: 'counter', isVirtual: true });
    const start = Date.parse('2024-01-01T00:00:00Z');
    await Promise.all(
      Array.from({ length: 10_005 }, (_, n) =>
        opened.store.append(TEST_ADDON, { deviceId: counter, id: `${n}`, ts: start + n, data: { n } }),
      ),
    );
    const { headers, body } = await ask(counter, '?attr=n', { Origin: 'http://panel.example' });
    assert.equal(body.length, 10_000);
    assert.equal(headers['x-truncated'], '2024-01-01T00:00:00.005000Z');
    assert.match(String(headers['access-control-expose-headers']), /X-Truncated/);
    const rest = await ask(counter, `?attr=n&dateTo=${headers['x-truncated']}`);
    assert.deepEqual(
      rest.body.map(({ value }) => value),
      [5, 4, 3, 2, 1, 0],
    );
    assert.equal(rest.headers['x-truncated'], undefined);
  });

  it('arrives whole where it is too large to be sent at once', async () => {
    const talker = await deviceWith({ name: 'talker', isVirtual: true });
    const text = (n: number) => `${n} °C `.repeat(300);
    await Promise.all(
      Array.from({ length: 1_500 }, (_, n) =>
        opened.store.append(TEST_ADDON, { deviceId: talker, id: `${n}`, ts: n, data: { text: text(n) } }),
      ),
    );
    const { headers, body } = await ask(talker, '?attr=text');
    // it is sent as it is written, so its length is not known beforehand
    assert.equal(headers['transfer-encoding'], 'chunked');
    assert.deepEqual(
      body.map(({ value }) => value),
      Array.from({ length: 1_500 }, (_, n) => text(1_499 - n)),
    );
    const small = await ask(talker, '?attr=text&lastN=100');
    assert.ok(Number(small.headers['content-length']) > 100_000);
  });

  it('is given up after 10 s with 503 and what to do, and others are answered meanwhile', async () => {
    const counter = await deviceWith({ name: 'slow', isVirtual: true });
    await Promise.all(
      Array.from({ length: 3_000 }, (_, n) =>
        opened.store.append(TEST_ADDON, { deviceId: counter, id: `${n}`, ts: n, data: { n } }),
      ),
    );
    const database = openForReading(join(folder.path, 'gate.db'));
    // a clock that runs half a second on with every look at it: a long walk takes too long
    let clockMs = 0;
    const slow = new HistoryQuery({
      database,
      monotonicNow: () => {
        clockMs += 500;
        return clockMs;
      },
    });
    const slowGate = await ApiUnderTest.start(
      { anonymous: 'read' },
      {
        historyValues: (request) => slow.values(request),
        historyBuckets: (request) => slow.buckets(request),
      },
    );
    const url = `/history/device/${counter}/history?attr=n`;
    const [whole, last, live] = await Promise.all([
      slowGate.call(url),
      slowGate.call(`${url}&lastN=1`),
      slowGate.call('/health/live'),
    ]);
    assert.equal(whole.status, 503);
    assert.deepEqual(whole.body, {
      message: 'this took longer than 10 s and was given up',
      code: 'unavailable',
      hint: 'narrow it with "dateFrom" and "dateTo"',
    });
    assert.ok(Number(whole.headers['retry-after']) > 0);
    assert.equal(live.status, 200);
    assert.deepEqual(
      (last.body as unknown as Entry[]).map(({ value }) => value),
      [2_999],
    );
    await slowGate.stop();
    database.close();
    // the same question to a gateway whose clock is right
    assert.equal((await ask(counter, '?attr=n')).body.length, 3_000);
  });

  it('is for callers who may read', async () => {
    const closed = await ApiUnderTest.start({ anonymous: 'none' }, opened.store);
    assert.equal((await closed.call(`/history/device/${meter}/history`)).status, 401);
    await closed.stop();
  });

  it('tells the newest value of each attribute of every device, for an overview', async () => {
    await send(plug, '2024-03-02T10:00:00.000Z', {
      type: 'data',
      message: { data: { power: 5, long: 'x'.repeat(2_000) } },
    });
    const { body } =
      await gate.call<{ deviceId: string; protocol: string; values: JsonObject }[]>('/history/latest');
    const of = (id: string) => body.find(({ deviceId }) => deviceId === id);
    // what came together, and what came in other readings before it
    assert.deepEqual(of(meter)?.values['temperature'], { value: '22.12', ts: '2018-06-06T13:43:33.306000Z' });
    assert.deepEqual(of(meter)?.values['pressure'], { value: '1013', ts: '2010-01-01T10:13:22.306000Z' });
    assert.deepEqual(of(plug)?.values['power'], { value: 5, ts: '2024-03-02T10:00:00.000000Z' });
    assert.equal(of(plug)?.protocol, 'http');
    assert.equal(of(plug)?.values['long'], undefined);
    assert.deepEqual(of(silent), { deviceId: silent, protocol: 'virtual', values: {} });
  });
});
