/** Readings of a clock that could not be right, in the real store: what they are until it is, and what they become. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ClockStretch } from '../../../src/model/reading.ts';
import { ClockStretches } from '../../../src/store/clock/clock-stretches.ts';
import { ReadingPacks } from '../../../src/store/history/reading-packs.ts';
import { openForWriting } from '../../../src/store/sqlite.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const RIGHT = Date.UTC(2026, 10, 20);
const HOUR_MS = 3_600_000;
/** The box was started in 1970, as its clock says. */
const FIRST: ClockStretch = { k: 1, boot: 'first', offsetMs: 0 };

describe('readings of a clock that could not be right', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  let appended = 0;
  // nothing grows old: who decides that is the clock, and this is about the store
  const now = () => 0;

  const open = async () => {
    opened = await openStore(folder.path, { relaying: true }, now);
  };
  const reopen = async () => {
    await opened.store.stop();
    await open();
  };
  const append = async (times: readonly number[], stretch?: ClockStretch) => {
    const readings = times.map((ts) => {
      appended += 1;
      return { deviceId: 'lamp', id: `r${appended}`, ts, data: { n: appended }, stretch };
    });
    await Promise.all(readings.map((reading) => opened.store.append(TEST_ADDON, reading)));
  };
  const page = (query: { start?: number; end?: number } = {}) =>
    opened.store.page({
      deviceId: 'lamp',
      page: 1,
      perPage: 1_000,
      sortKey: 'ts',
      descending: false,
      ...query,
    });
  const brief = () => page().data.map(({ ts, data, clock }) => [ts, data['n'], clock ?? 'right']);
  const numbers = async () => {
    const found = await opened.store.historyValues({ deviceId: 'lamp', root: [], attributes: ['n'] });
    if ('missing' in found) return [];
    const { times = [], values = [] } = found.entries.get('n') ?? {};
    return times.map((ts, index) => [ts, values[index]]);
  };
  /** As the history has them, the newest first. */
  const marks = async () => {
    const found = await opened.store.historyValues({ deviceId: 'lamp', root: [], attributes: ['n'] });
    const { values = [], clocks } = ('entries' in found && found.entries.get('n')) || {};
    return values.map((value, index) => [value, clocks?.get(index) ?? 'right']);
  };
  const sent = () =>
    [...opened.store.relayItems(1, opened.store.relayHead())].map((item) =>
      'seq' in item ? [item.seq, item.ts, item.clock ?? 'right'] : item,
    );

  beforeEach(async () => {
    folder = tempFolder();
    appended = 0;
    await open();
    await opened.store.saveDevice(testDevice('lamp'));
  });
  afterEach(async () => {
    await opened.store.stop();
    folder.remove();
  });

  it('are stored with a mark, told with it, and held back from the cloud with all that follow', async () => {
    await append([RIGHT]);
    await append([60_000, 61_000], FIRST);
    await append([RIGHT + 1]);
    assert.deepEqual(brief(), [
      [60_000, 2, 'unsure'],
      [61_000, 3, 'unsure'],
      [RIGHT, 1, 'right'],
      [RIGHT + 1, 4, 'right'],
    ]);
    assert.deepEqual(await marks(), [
      [4, 'right'],
      [1, 'right'],
      [3, 'unsure'],
      [2, 'unsure'],
    ]);
    assert.deepEqual(
      opened.commits.flat().map(({ clock }) => clock),
      [undefined, 'unsure', 'unsure', undefined],
    );
    assert.deepEqual(sent(), [[1, RIGHT, 'right']]);
    assert.deepEqual(opened.store.relayBacklog(), { readings: 4, sinceMs: RIGHT });
    await reopen();
    assert.equal(brief()[0]?.[2], 'unsure');
    assert.deepEqual(sent(), [[1, RIGHT, 'right']]);
  });

  it('get their time when the clock is right, under the same id and number, in pages, counts and history', async () => {
    await append([RIGHT - HOUR_MS]);
    await append([60_000, 3 * HOUR_MS], FIRST);
    const ids = new Map(page().data.map(({ _id, data }) => [data['n'], _id]));
    const began = RIGHT - 4 * HOUR_MS;
    const redated = await opened.store.redate({ boot: 'first', offsetMs: began });
    assert.deepEqual(redated, { count: 2, estimated: 0 });
    const expected = [
      [began + 60_000, 2, 'right'],
      [began + 3 * HOUR_MS, 3, 'right'],
      [RIGHT - HOUR_MS, 1, 'right'],
    ].toSorted((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]));
    assert.deepEqual(
      brief().toSorted((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1])),
      expected,
    );
    assert.deepEqual(new Map(page().data.map(({ _id, data }) => [data['n'], _id])), ids);
    assert.equal(page({ end: HOUR_MS * 24 }).totalItems, 0);
    assert.equal(page({ start: began, end: began + HOUR_MS - 1 }).totalItems, 1);
    assert.deepEqual((await numbers()).at(-1), [began + 60_000, 2]);
    assert.deepEqual(sent(), [
      [1, RIGHT - HOUR_MS, 'right'],
      [2, began + 60_000, 'right'],
      [3, began + 3 * HOUR_MS, 'right'],
    ]);
    // nothing is moved a second time
    assert.deepEqual(await opened.store.redate({ boot: 'first', offsetMs: began }), {
      count: 0,
      estimated: 0,
    });
    await reopen();
    assert.deepEqual(page({ end: HOUR_MS * 24 }).totalItems, 0);
  });

  it('get it also when they come after the clock was put right, and over a restart of the daemon', async () => {
    await append([60_000], FIRST);
    await opened.store.redate({ boot: 'first', offsetMs: RIGHT });
    await append([70_000], FIRST);
    await reopen();
    await append([80_000], FIRST);
    assert.deepEqual(brief(), [
      [RIGHT + 60_000, 1, 'right'],
      [RIGHT + 70_000, 2, 'right'],
      [RIGHT + 80_000, 3, 'right'],
    ]);
    assert.deepEqual(sent().length, 3);
  });

  it('of earlier runs of the box get the latest that they can have been, one run before the other, and keep a mark', async () => {
    await append([10_000, 50_000], FIRST);
    await append([20_000], { k: 2, boot: 'second', offsetMs: 0 });
    // in the same run the clock was set to another time that could not be
    await append([HOUR_MS + 30_000], { k: 3, boot: 'second', offsetMs: HOUR_MS });
    await append([5_000], { k: 4, boot: 'third', offsetMs: 0 });
    const redated = await opened.store.redate({ boot: 'third', offsetMs: RIGHT });
    assert.deepEqual(redated, { count: 5, estimated: 4 });
    const second = RIGHT - 30_000;
    const first = second - 50_000;
    const expected = [
      [first + 10_000, 1, 'estimated'],
      [first + 50_000, 2, 'estimated'],
      [second + 20_000, 3, 'estimated'],
      [second + 30_000, 4, 'estimated'],
      [RIGHT + 5_000, 5, 'right'],
    ];
    assert.deepEqual(brief(), expected);
    assert.deepEqual(await marks(), expected.map(([, n, clock]) => [n, clock]).reverse());
    assert.deepEqual(
      sent(),
      expected.map(([ts, n, clock]) => [n, ts, clock]),
    );
    await reopen();
    assert.deepEqual(brief(), expected);
  });

  it('lose their mark when retention deletes them, and when their device is removed', async () => {
    const left = () => {
      const database = openForWriting(join(folder.path, 'gate.db'));
      const counts = ['reading', 'reading_unsure'].map((table) =>
        Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']),
      );
      database.close();
      return counts;
    };
    await append([60_000], FIRST);
    await opened.store.stop();
    assert.deepEqual(left(), [1, 1]);
    opened = await openStore(folder.path, { relaying: true, retentionBytes: 1 }, now);
    await until('it is deleted', () => left()[0] === 0);
    assert.deepEqual(left(), [0, 0]);
    await opened.store.stop();
    await open();
    await append([70_000], { ...FIRST, k: 2 });
    await opened.store.removeDevice('lamp');
    await reopen();
    await until('its readings are deleted', () => left()[0] === 0);
    assert.deepEqual(left(), [0, 0]);
  });

  it('are moved in steps where there are many, each whole; a kill between two goes on with the rest', async () => {
    await append(
      Array.from({ length: 50 }, (_, n) => 1_000 * n),
      FIRST,
    );
    await append([RIGHT]);
    await opened.store.stop();
    const database = openForWriting(join(folder.path, 'gate.db'));
    const stretches = new ClockStretches({ database, packs: new ReadingPacks(database), movedAtOnce: 20 });
    assert.deepEqual(stretches.redate({ boot: 'first', offsetMs: RIGHT }), {
      moved: 20,
      estimated: 0,
      more: true,
    });
    database.close();
    await open();
    const marks = brief().map(([ts, , clock]) => [Number(ts) < RIGHT, clock]);
    assert.deepEqual(
      marks.filter(([isOld]) => isOld),
      Array.from({ length: 30 }, () => [true, 'unsure']),
    );
    assert.equal(sent().length, 20);
    // decided is decided: what the clock says now changes nothing
    assert.deepEqual(await opened.store.redate({ boot: 'other', offsetMs: 2 * RIGHT }), {
      count: 30,
      estimated: 0,
    });
    assert.deepEqual(
      brief().filter(([, , clock]) => clock !== 'right'),
      [],
    );
    assert.equal(page({ start: RIGHT, end: RIGHT + 49_000 }).totalItems, 51);
    assert.equal(sent().length, 51);
  });

  it('a step that fails moves nothing', async () => {
    await append([1_000, 2_000], FIRST);
    await opened.store.stop();
    const database = openForWriting(join(folder.path, 'gate.db'));
    const stretches = new ClockStretches({ database, packs: new ReadingPacks(database) });
    database.exec(
      `CREATE TEMP TRIGGER broken BEFORE UPDATE ON reading WHEN NEW.ts > ${RIGHT} + 1500 BEGIN SELECT RAISE(ABORT, 'broken'); END`,
    );
    assert.throws(() => stretches.redate({ boot: 'first', offsetMs: RIGHT }), /broken/);
    const rows = database.prepare('SELECT ts FROM reading ORDER BY seq').all();
    assert.deepEqual(
      rows.map(({ ts }) => ts),
      [1_000, 2_000],
    );
    assert.equal(database.prepare('SELECT shift FROM clock_stretch').get()?.['shift'], null);
    database.exec('DROP TRIGGER broken');
    assert.equal(stretches.redate({ boot: 'first', offsetMs: RIGHT }).moved, 2);
    database.close();
    await open();
    assert.deepEqual(
      brief().map(([ts]) => ts),
      [RIGHT + 1_000, RIGHT + 2_000],
    );
  });

  for (const [what, shift] of [
    ['moved across their own places', 300_000],
    ['right all along', 0],
  ] as const) {
    it(`are packed when they have lost their mark, and not before: ${what}`, async () => {
      await append(
        Array.from({ length: 1_200 }, (_, n) => 1_000 * n),
        FIRST,
      );
      assert.ok((await marks()).every(([, mark]) => mark === 'unsure'));
      await opened.store.stop();
      const database = openForWriting(join(folder.path, 'gate.db'));
      const packs = new ReadingPacks(database);
      const count = (where: string) =>
        Number(database.prepare(`SELECT count(*) AS n FROM reading_pack WHERE ${where}`).get()?.['n']);
      while (packs.step({ mend: true }));
      assert.ok(count('shapes IS NOT NULL') > 0);
      assert.equal(count('body IS NOT NULL'), 0);
      new ClockStretches({ database, packs }).redate({ boot: 'first', offsetMs: shift });
      while (packs.step({ mend: true }));
      assert.ok(count('body IS NOT NULL') > 0);
      database.close();
      await open();
      const found = await numbers();
      assert.deepEqual(
        found.toSorted((a, b) => Number(a[0]) - Number(b[0])),
        Array.from({ length: 1_200 }, (_, n) => [shift + 1_000 * n, n + 1]),
      );
      assert.ok((await marks()).every(([, mark]) => mark === 'right'));
      assert.equal(page({ end: shift - 1 }).totalItems, 0);
      assert.equal(page().totalItems, 1_200);
    });
  }

  it('whose mark stays are in no pack, and a history that reads packs beside them shows it', async () => {
    await append(
      Array.from({ length: 400 }, (_, n) => 1_000 * n),
      FIRST,
    );
    await opened.store.redate({ boot: 'second', offsetMs: RIGHT });
    await append(Array.from({ length: 600 }, (_, n) => RIGHT + 1_000 * n));
    await opened.store.stop();
    const database = openForWriting(join(folder.path, 'gate.db'));
    const packs = new ReadingPacks(database);
    while (packs.step({ mend: true }));
    const bodies = database.prepare('SELECT count(*) AS n FROM reading_pack WHERE body IS NOT NULL').get();
    assert.ok(Number(bodies?.['n']) > 0);
    database.close();
    await open();
    assert.deepEqual(
      await marks(),
      Array.from({ length: 1_000 }, (_, n) => [n + 1, n < 400 ? 'estimated' : 'right']).reverse(),
    );
  });
});
