import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { GatewayError } from '../../../src/model/error.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { ReadingPageQuery } from '../../../src/model/reading.ts';
import { openForReading, openForWriting } from '../../../src/store/sqlite.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 3_600_000;
const NOW = 1_700_000_000_000;

function query(deviceId: string, wanted: Partial<ReadingPageQuery> = {}): ReadingPageQuery {
  return { deviceId, page: 1, perPage: 10, sortKey: 'ts', descending: false, ...wanted };
}

describe('the store', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;

  async function reopen(settings: Parameters<typeof openStore>[1] = {}): Promise<void> {
    await opened.store.stop();
    opened = await openStore(folder.path, settings, () => NOW);
  }

  function append(
    id: string,
    { deviceId = 'lamp', ts = NOW, data = { value: 1 } as JsonObject } = {},
  ): Promise<boolean> {
    return opened.store.append(TEST_ADDON, { deviceId, id, ts, data });
  }

  beforeEach(async () => {
    folder = tempFolder();
    opened = await openStore(folder.path, {}, () => NOW);
    await opened.store.saveDevice(testDevice('lamp'));
    await opened.store.saveDevice(testDevice('plug'));
  });

  afterEach(async () => {
    await opened.store.stop();
    folder.remove();
  });

  it('stores a reading once, however often it is delivered, also across a restart', async () => {
    assert.equal(await append('a'), true);
    assert.equal(await append('a'), false);
    await reopen();
    assert.equal(await append('a'), false);
    assert.equal(opened.store.page(query('lamp')).totalItems, 1);
  });

  it('recognises a repeat within one commit', async () => {
    assert.deepEqual(await Promise.all([append('x'), append('a'), append('a')]), [true, true, false]);
  });

  it('takes equal values, and equal ids of two devices, for readings of their own', async () => {
    await append('a');
    await append('b');
    await append('a', { deviceId: 'plug' });
    assert.equal(opened.store.page(query('lamp')).totalItems, 2);
    assert.equal(opened.store.page(query('plug')).totalItems, 1);
  });

  it('tells of a commit before it acknowledges, with a public id of 24 hexadecimal digits', async () => {
    const told = append('a').then(() => opened.commits.flat().length);
    assert.equal(await told, 1);
    assert.match(String(opened.commits.flat()[0]?._id), /^[0-9a-f]{24}$/);
  });

  it('gives each reading an id that no other has, growing in the order of storing', async () => {
    await append('a', { ts: NOW });
    await append('b', { ts: NOW - 5_000 });
    await reopen();
    await append('c', { ts: NOW - 9_000 });
    const { data } = opened.store.page(query('lamp', { descending: true }));
    const ids = data.map(({ _id }) => _id);
    assert.deepEqual([...ids].sort(), ids);
    assert.equal(new Set(ids).size, 3);
  });

  it('answers every page as a plain sort of all readings would', async () => {
    await reopen({ retentionDays: 1_000 });
    // months apart, at the edges of a month, and close together
    const hours = [-2_200, -1_441, -1_440, -721, -720, -30, -29, -2, -1, 0];
    const readings = Array.from({ length: 1_500 }, (_, n) => ({
      id: `r${n}`,
      ts: NOW + (hours[n % hours.length] as number) * HOUR_MS + ((n * 7919) % 3_600_000),
      data: { n },
    }));
    await Promise.all(readings.map(({ id, ts, data }) => append(id, { ts, data })));
    const sorted = readings
      .map(({ ts, data }) => ({ ts, n: data.n }))
      .sort((a, b) => a.ts - b.ts || a.n - b.n);
    const edge = fc.option(
      fc.oneof(
        fc.integer({ min: -31 * HOUR_MS, max: 2 * HOUR_MS }),
        fc.integer({ min: -2_300 * HOUR_MS, max: 2 * HOUR_MS }),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        edge,
        edge,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 100 }),
        fc.boolean(),
        (from, to, page, perPage, descending) => {
          const start = from === undefined ? undefined : NOW + from;
          const end = to === undefined ? undefined : NOW + to;
          const matching = sorted.filter(
            ({ ts }) => ts >= (start ?? 0) && ts <= (end ?? Number.POSITIVE_INFINITY),
          );
          if (descending) matching.reverse();
          const answer = opened.store.page(query('lamp', { start, end, page, perPage, descending }));
          assert.equal(answer.totalItems, matching.length);
          assert.deepEqual(
            answer.data.map(({ ts, data }) => ({ ts, n: data['n'] })),
            matching.slice((page - 1) * perPage, page * perPage),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps whole the readings of a device that invents keys without end', async () => {
    const wanted = Array.from({ length: 4_200 }, (_, n) => ({ [`key${n}`]: n }));
    await Promise.all(wanted.map((data, n) => append(`r${n}`, { ts: NOW + n, data })));
    const last = opened.store.page(query('lamp', { perPage: 2, descending: true }));
    assert.deepEqual(
      last.data.map(({ data }) => data),
      [{ key4199: 4199 }, { key4198: 4198 }],
    );
  });

  it('deletes what is older than retention allows, and keeps count', async () => {
    await append('old', { ts: NOW - 40 * 24 * HOUR_MS });
    await append('new');
    await reopen({ retentionDays: 30 });
    await opened.store.stop();
    assert.deepEqual(opened.dropped, [{ count: 1, reason: 'age', notRelayed: 0 }]);
    opened = await openStore(folder.path, {}, () => NOW);
    assert.equal(opened.store.page(query('lamp')).totalItems, 1);
  });

  it('deletes it soon after the start too, though the time was not known at first', async () => {
    await append('old', { ts: NOW - 40 * 24 * HOUR_MS });
    await opened.store.stop();
    let isKnown = false;
    opened = await openStore(folder.path, {}, () => (isKnown ? NOW : 0));
    isKnown = true;
    await until('it is deleted', () => opened.dropped.length > 0);
    assert.deepEqual(opened.dropped, [{ count: 1, reason: 'age', notRelayed: 0 }]);
  });

  it('forgets the readings of a removed device, and nothing else', async () => {
    await append('a');
    await append('b', { deviceId: 'plug' });
    await opened.store.removeDevice('lamp');
    await reopen();
    assert.deepEqual(
      opened.store.devices().map(({ id }) => id),
      ['plug'],
    );
    assert.equal(opened.store.page(query('lamp')).totalItems, 0);
    assert.equal(opened.store.page(query('plug')).totalItems, 1);
  });

  it('packs in the background what it holds, and shows the same history as before', async () => {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => append(`r${n}`, { ts: NOW + n * 1_000, data: { n } })),
    );
    const history = async () => {
      const outcome = await opened.store.historyValues({ deviceId: 'lamp', root: [], attributes: ['n'] });
      assert.ok('entries' in outcome);
      return outcome.entries.get('n');
    };
    const before = await history();
    assert.equal(before?.values.length, 1_000);
    // packing begins with each start
    await reopen();
    const database = openForReading(join(folder.path, 'gate.db'));
    const packs = () => Number(database.prepare('SELECT count(*) AS n FROM reading_pack').get()?.['n']);
    await until('the readings are packed', () => packs() === 3);
    database.close();
    assert.deepEqual(await history(), before);
  });

  it('keeps a value that was made once', async () => {
    assert.equal(await opened.store.keep('id', () => 'first'), 'first');
    assert.equal(await opened.store.keep('id', () => 'second'), 'first');
  });

  it('commits what waits when it is stopped', async () => {
    const waiting = Array.from({ length: 50 }, (_, n) => append(`r${n}`));
    await opened.store.stop();
    assert.equal(
      (await Promise.all(waiting)).every((isNew) => isNew),
      true,
    );
    opened = await openStore(folder.path, {}, () => NOW);
    assert.equal(opened.store.page(query('lamp')).totalItems, 50);
  });

  it('sets a damaged store aside under a dated name, and begins anew at the next start', async () => {
    await opened.store.stop();
    const damaged = Buffer.from('not a database at all. '.repeat(400));
    writeFileSync(join(folder.path, 'gate.db'), damaged);
    await assert.rejects(
      openStore(folder.path, {}, () => NOW),
      { code: 'storeCorrupt' },
    );
    const aside = readdirSync(folder.path).find((name) => name.startsWith('gate.db.damaged-2023-11-14'));
    assert.deepEqual(readFileSync(join(folder.path, String(aside))), damaged);
    opened = await openStore(folder.path, {}, () => NOW);
    assert.deepEqual(opened.store.devices(), []);
  });

  it('takes the registry over from a store whose readings are damaged, and gives no number again', async () => {
    await append('a');
    const before = opened.store.page(query('lamp')).data[0]?._id as string;
    await opened.store.stop();
    damageRow("UPDATE delivery SET ids = '[torn'");
    await assert.rejects(
      openStore(folder.path, {}, () => NOW),
      (error: GatewayError) => {
        assert.match(
          error.message,
          /the ids of a delivery cannot be read; it was set aside as .*damaged-2023/,
        );
        assert.match(error.hint ?? '', /devices, protocols and clients that were taken over/);
        return error.code === 'storeCorrupt';
      },
    );
    opened = await openStore(folder.path, {}, () => NOW);
    assert.deepEqual(
      opened.store.devices().map(({ id }) => id),
      ['lamp', 'plug'],
    );
    assert.equal(opened.store.page(query('lamp')).totalItems, 0);
    await append('b');
    const after = opened.store.page(query('lamp')).data[0]?._id as string;
    assert.equal(after.slice(0, 10), before.slice(0, 10));
    assert.ok(after > before);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.includes('taken-over')),
      [],
    );
  });

  it('begins with an empty one where not even the registry can be read', async () => {
    await opened.store.stop();
    damageRow("UPDATE device SET record = '{torn' WHERE id = 'plug'");
    await assert.rejects(
      openStore(folder.path, {}, () => NOW),
      (error: GatewayError) =>
        error.code === 'storeCorrupt' && /begin with an empty store/.test(error.hint ?? ''),
    );
    opened = await openStore(folder.path, {}, () => NOW);
    assert.deepEqual(opened.store.devices(), []);
  });

  it('takes a store that was emptied for a damaged one, and keeps its log', async () => {
    await append('a');
    for (const suffix of ['', '-wal']) copyFileSync(path() + suffix, `${path()}.kept${suffix}`);
    await opened.store.stop();
    writeFileSync(path(), '');
    copyFileSync(`${path()}.kept-wal`, `${path()}-wal`);
    await assert.rejects(
      openStore(folder.path, {}, () => NOW),
      { code: 'storeCorrupt', message: /it is empty/ },
    );
    const log = readdirSync(folder.path).find((name) => /damaged-.*-wal$/.test(name)) as string;
    assert.deepEqual(readFileSync(join(folder.path, log)), readFileSync(`${path()}.kept-wal`));
    opened = await openStore(folder.path, {}, () => NOW);
  });

  it('goes on without the end of a damaged log, and tells so', async () => {
    for (let n = 0; n < 5; n += 1) await append(`n${n}`);
    for (const suffix of ['', '-wal', '-shm']) copyFileSync(path() + suffix, `${path()}.kept${suffix}`);
    await opened.store.stop();
    for (const suffix of ['', '-wal', '-shm']) copyFileSync(`${path()}.kept${suffix}`, path() + suffix);
    truncateSync(`${path()}-wal`, statSync(`${path()}-wal`).size - 1);
    opened = await openStore(folder.path, {}, () => NOW);
    assert.match(
      opened.store.damageFound ?? '',
      /whole: readings and changes .* may be missing; it was copied to/,
    );
    assert.equal(opened.store.page(query('lamp')).totalItems, 4);
    assert.ok(readdirSync(folder.path).some((name) => name.startsWith('gate.db-wal.damaged-')));
  });

  it('ends when a commit meets damage, with the store set aside', async () => {
    // a later commit looks at the last id that was given, and finds a page of something else
    for (let n = 0; n < 300; n += 1) await append(`n${n}`);
    await opened.store.stop();
    damagePageOf('reading_count');
    opened = await openStore(folder.path, {}, () => NOW);
    await assert.rejects(append('b'), { code: 'storeCorrupt' });
    const fault = await until('it is told', () => opened.faults[0]);
    assert.match(fault.message, /set aside as .*gate\.db\.damaged-/);
    assert.equal(opened.faults.length, 1);
  });

  const path = () => join(folder.path, 'gate.db');

  function damageRow(sql: string): void {
    const database = openForWriting(path());
    database.exec(sql);
    database.close();
  }

  /** Its first page no longer says what kind of page it is. */
  function damagePageOf(table: string): void {
    const database = openForReading(path());
    const sql = 'SELECT rootpage FROM sqlite_schema WHERE name = ?';
    const page = Number(database.prepare(sql).get(table)?.['rootpage']);
    database.close();
    const bytes = readFileSync(path());
    bytes.fill(0, (page - 1) * 2_048, (page - 1) * 2_048 + 8);
    writeFileSync(path(), bytes);
  }
});
