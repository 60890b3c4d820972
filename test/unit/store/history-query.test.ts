import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import type {
  AttributeHistory,
  HistoryOutcome,
  HistoryValues,
  HistoryValuesRequest,
} from '../../../src/model/history.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/model/json.ts';
import { HistoryQuery } from '../../../src/store/history/history-query.ts';
import { openForReading } from '../../../src/store/sqlite.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const NOW = 1_700_000_000_000;

interface Sent {
  ts: number;
  data: JsonObject;
}

/** What the history is, said without positions or slices: everything is looked through. */
function modelOf(sent: readonly Sent[], request: HistoryValuesRequest): HistoryOutcome<HistoryValues> {
  if (sent.length === 0) return { missing: 'device' };
  const names = request.attributes ?? [...new Set(sent.flatMap(({ data }) => Object.keys(data)))];
  if (request.attributes && !sent.some(({ data }) => names.some((name) => found(data, name) !== undefined))) {
    return { missing: 'attribute' };
  }
  const { fromMs = 0, toMs = Number.POSITIVE_INFINITY, pick } = request;
  const inOrder = sent
    .map((reading, n) => ({ ...reading, n }))
    .filter(({ ts }) => ts >= fromMs && ts <= toMs)
    .sort((a, b) => a.ts - b.ts || a.n - b.n);
  if (pick?.end !== 'first') inOrder.reverse();
  const entries = new Map<string, HistoryValues>();
  for (const name of names) {
    const all = inOrder.flatMap(({ ts, data }) => {
      // where nothing is named, paths are not gone into
      const value = request.attributes || Object.hasOwn(data, name) ? found(data, name) : undefined;
      return value === undefined ? [] : [{ ts, value }];
    });
    const picked = all.slice(0, pick?.count);
    entries.set(name, { times: picked.map(({ ts }) => ts), values: picked.map(({ value }) => value) });
  }
  return { entries, cutAtMs: undefined };
}

function found(data: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(data, name)) return data[name];
  const parts = name.split('.');
  for (let n = parts.length - 1; n > 0; n -= 1) {
    const key = parts.slice(0, n).join('.');
    const inner = Object.hasOwn(data, key) ? data[key] : undefined;
    const below = isJsonObject(inner) ? found(inner, parts.slice(n).join('.')) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}

const key = fc.constantFrom('a', 'b', 'c', 'a.b', '__proto__', '');
const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, 'text', 0.5),
    fc.array(fc.integer(), { maxLength: 2 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
})).value;
// what an add-on sends has been through JSON
const data = fc
  .dictionary(key, value, { maxKeys: 4 })
  .map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);
const sentReadings = fc.array(
  fc.record({ ts: fc.integer({ min: 0, max: 12 }).map((n) => NOW + n * 1_000), data }),
  { maxLength: 25 },
);
const bound = fc.option(
  fc.integer({ min: -1, max: 13 }).map((n) => NOW + n * 1_000),
  { nil: undefined },
);
const wanted = fc.record({
  attributes: fc.option(
    fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'a.b', 'a.b.c', 'b.a', '__proto__', 'c.', 'never'), {
      minLength: 1,
      maxLength: 4,
    }),
    { nil: undefined },
  ),
  fromMs: bound,
  toMs: bound,
  pick: fc.option(
    fc.record({
      end: fc.constantFrom('first' as const, 'last' as const),
      count: fc.integer({ min: 1, max: 5 }),
    }),
    { nil: undefined },
  ),
});

describe('the history of attributes in the store', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  let readings = 0;

  async function send(deviceId: string, sent: readonly Sent[]): Promise<void> {
    await opened.store.saveDevice(testDevice(deviceId));
    await Promise.all(
      sent.map(({ ts, data: sentData }) => {
        readings += 1;
        return opened.store.append(TEST_ADDON, { deviceId, id: `r${readings}`, ts, data: sentData });
      }),
    );
  }

  async function values(request: Partial<HistoryValuesRequest> & { deviceId: string }) {
    const outcome = await opened.store.historyValues({ root: [], ...request });
    assert.ok('entries' in outcome, JSON.stringify(outcome));
    return outcome;
  }

  const listed = ({ entries }: AttributeHistory<HistoryValues>, attribute: string) =>
    entries.get(attribute)?.values;

  beforeEach(async () => {
    folder = tempFolder();
    opened = await openStore(folder.path, {}, () => NOW);
  });
  afterEach(async () => {
    await opened.store.stop();
    folder.remove();
  });

  it('answers as looking through all readings would', async () => {
    let devices = 0;
    await fc.assert(
      fc.asyncProperty(
        sentReadings,
        fc.array(wanted, { minLength: 1, maxLength: 8 }),
        async (sent, requests) => {
          devices += 1;
          const deviceId = `device${devices}`;
          await send(deviceId, sent);
          for (const request of requests) {
            const asked = { deviceId, root: [], ...request };
            const [answer, model] = [await opened.store.historyValues(asked), modelOf(sent, asked)];
            assert.deepEqual(comparable(answer), comparable(model));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('walks on over slice after slice, also where many readings have one time', async () => {
    const sent = Array.from({ length: 7_000 }, (_, n) => ({
      ts: NOW + Math.floor(n / 3_000),
      data: (n % 2_500 === 7 ? { n, rare: n } : { n }) as JsonObject,
    }));
    await send('lamp', sent);
    const down = await values({ deviceId: 'lamp', attributes: ['n'] });
    assert.deepEqual(listed(down, 'n'), sent.map(({ data: { n } }) => n as JsonValue).reverse());
    const up = await values({
      deviceId: 'lamp',
      attributes: ['n', 'rare'],
      pick: { end: 'first', count: 6_000 },
    });
    assert.deepEqual(
      listed(up, 'n'),
      sent.slice(0, 6_000).map(({ data: { n } }) => n as JsonValue),
    );
    assert.deepEqual(listed(up, 'rare'), [7, 2_507, 5_007]);
    assert.equal(up.cutAtMs, undefined);
  });

  it('answers at most 10,000 values an attribute, the newest, and says where it was cut', async () => {
    const sent = Array.from({ length: 10_002 }, (_, n) => ({ ts: NOW + n, data: { n } as JsonObject }));
    await send('lamp', sent.slice(0, 10_000));
    const whole = await values({ deviceId: 'lamp' });
    assert.deepEqual([listed(whole, 'n')?.length, whole.cutAtMs], [10_000, undefined]);
    await send('lamp', sent.slice(10_000));
    const cut = await values({ deviceId: 'lamp' });
    assert.deepEqual([listed(cut, 'n')?.length, cut.cutAtMs], [10_000, NOW + 2]);
    assert.equal(listed(cut, 'n')?.[0], 10_001);
    const rest = await values({ deviceId: 'lamp', toMs: NOW + 2 });
    assert.deepEqual(listed(rest, 'n'), [2, 1, 0]);
  });

  it('answers at most 100,000 values in all', async () => {
    const keys = Array.from({ length: 60 }, (_, n) => `k${n}`);
    const sent = Array.from({ length: 2_000 }, (_, n) => ({
      ts: NOW + n,
      data: Object.fromEntries(keys.map((k) => [k, n])) as JsonObject,
    }));
    await send('lamp', sent);
    const { entries, cutAtMs } = await values({ deviceId: 'lamp' });
    assert.equal(
      entries.values().reduce((sum, list) => sum + list.values.length, 0),
      100_000,
    );
    // 1,666 readings and a part of the next are there
    assert.equal(cutAtMs, NOW + 1_999 - 1_666);
    const first = await values({ deviceId: 'lamp', pick: { end: 'first', count: 2_000 } });
    assert.equal(first.cutAtMs, NOW + 1_666);
  });

  it('answers at most 16 MiB of text', async () => {
    const large = 'x'.repeat(100_000);
    await send(
      'lamp',
      Array.from({ length: 200 }, (_, n) => ({ ts: NOW + n, data: { large } })),
    );
    const { entries, cutAtMs } = await values({ deviceId: 'lamp' });
    assert.equal(entries.get('large')?.values.length, 167);
    assert.equal(cutAtMs, NOW + 199 - 167);
  });

  it('finds attributes in readings that were kept whole', async () => {
    const sent = Array.from({ length: 4_200 }, (_, n) => ({ ts: NOW + n, data: { [`key${n}`]: { n } } }));
    await send('lamp', sent);
    assert.deepEqual(
      listed(await values({ deviceId: 'lamp', attributes: ['key4199.n'] }), 'key4199.n'),
      [4199],
    );
    const outcome = await opened.store.historyValues({ deviceId: 'lamp', root: [], attributes: ['never'] });
    assert.deepEqual(outcome, { missing: 'attribute' });
    await assert.rejects(opened.store.historyValues({ deviceId: 'lamp', root: [] }), {
      code: 'badRequest',
      message: /"attr" must name the attributes/,
    });
  });

  it('tells a device without readings from one that never sent an attribute', async () => {
    await send('lamp', [{ ts: NOW, data: { a: 1 } }]);
    await send('silent', []);
    const ask = (deviceId: string, attributes?: string[]) =>
      opened.store.historyValues({ deviceId, root: [], attributes });
    assert.deepEqual(await ask('nobody'), { missing: 'device' });
    assert.deepEqual(await ask('silent', ['a']), { missing: 'device' });
    assert.deepEqual(await ask('lamp', ['b']), { missing: 'attribute' });
    assert.deepEqual(await ask('lamp', ['b', 'a']), {
      entries: new Map([
        ['b', { times: [], values: [] }],
        ['a', { times: [NOW], values: [1] }],
      ]),
      cutAtMs: undefined,
    });
  });

  it('gives min, max, mean and count by interval, aligned to UTC', async () => {
    const sent = [
      [0, 1],
      [59_999, 4],
      [60_000, true],
      [61_000, 'text'],
      [62_000, null],
      [180_000, -2.5],
    ] as const;
    const minute = Math.floor(NOW / 60_000) * 60_000;
    await send(
      'lamp',
      sent.map(([offset, a]) => ({ ts: minute + offset, data: { a, b: 'text' } })),
    );
    const outcome = await opened.store.historyBuckets({ deviceId: 'lamp', root: [], intervalMs: 60_000 });
    assert.ok('entries' in outcome);
    assert.deepEqual(outcome.entries.get('a'), [
      { ts: minute + 180_000, min: -2.5, max: -2.5, mean: -2.5, count: 1 },
      { ts: minute + 60_000, min: 1, max: 1, mean: 1, count: 1 },
      { ts: minute, min: 1, max: 4, mean: 2.5, count: 2 },
    ]);
    assert.deepEqual(outcome.entries.get('b'), []);
  });

  it('refuses an interval that gives too many buckets, naming one that fits', async () => {
    await send('lamp', [
      { ts: NOW, data: { a: 1 } },
      { ts: NOW + 30 * 86_400_000, data: { a: 2 } },
    ]);
    const ask = (intervalMs: number) =>
      opened.store.historyBuckets({ deviceId: 'lamp', root: [], intervalMs });
    await assert.rejects(ask(60_000), { code: 'badRequest', message: /at least 5m here.*43201 buckets/ });
    assert.ok('entries' in (await ask(300_000)));
  });

  it('gives up a walk that nobody waits for, and one that the closing store ends', async () => {
    const sent = Array.from({ length: 2_000 }, (_, n) => ({ ts: NOW + n, data: { n } as JsonObject }));
    await send('lamp', sent);
    const request = { deviceId: 'lamp', root: [], attributes: ['n'] };
    await assert.rejects(opened.store.historyValues({ ...request, signal: AbortSignal.abort() }), {
      code: 'unavailable',
    });
    const walk = opened.store.historyValues(request);
    const [outcome] = await Promise.allSettled([walk, opened.store.stop()]);
    assert.ok(outcome.status === 'fulfilled' || outcome.reason.code === 'unavailable');
  });
});

/** Attributes of equal place in the answer, whatever order they were met in. */
function comparable(outcome: HistoryOutcome<HistoryValues>): unknown {
  if ('missing' in outcome) return outcome;
  return { cutAtMs: outcome.cutAtMs, entries: [...outcome.entries].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

describe('a history that takes too long', () => {
  it('is given up after 10 s with what to do next, while others are answered', async () => {
    const folder = tempFolder();
    const path = join(folder.path, 'gate.db');
    const opened = await openStore(folder.path, {}, () => NOW);
    await opened.store.saveDevice(testDevice('lamp'));
    await Promise.all(
      Array.from({ length: 2_000 }, (_, n) =>
        opened.store.append(TEST_ADDON, { deviceId: 'lamp', id: `r${n}`, ts: NOW + n, data: { n } }),
      ),
    );
    const database = openForReading(path);
    // a clock that runs a second on with every look at it: each slice takes too long, and the walk ten of them
    let clockMs = 0;
    const monotonicNow = () => {
      clockMs += 1_000;
      return clockMs;
    };
    const slow = new HistoryQuery({ database, monotonicNow });
    try {
      const request = { deviceId: 'lamp', root: [], attributes: ['n'] };
      await assert.rejects(slow.values(request), {
        code: 'unavailable',
        message: 'this took longer than 10 s and was given up',
        hint: 'narrow it with "dateFrom" and "dateTo"',
      });
      const last = await slow.values({ ...request, pick: { end: 'last', count: 1 } });
      assert.ok('entries' in last);
      assert.deepEqual(last.entries.get('n'), { times: [NOW + 1_999], values: [1_999] });
      const whole = await opened.store.historyValues(request);
      assert.ok('entries' in whole && whole.entries.get('n')?.values.length === 2_000);
    } finally {
      database.close();
      await opened.store.stop();
      folder.remove();
    }
  });
});
