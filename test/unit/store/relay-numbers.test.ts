import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import type { RelayItem } from '../../../src/model/relay.ts';
import { MIGRATIONS, openMigrated } from '../../../src/store/migrations.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const NOW = 1_700_000_000_000;

describe('numbers for the cloud', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  let appended = 0;

  async function open(relaying: boolean): Promise<void> {
    opened = await openStore(folder.path, { relaying }, () => NOW);
  }
  async function reopen(relaying: boolean): Promise<void> {
    await opened.store.stop();
    await open(relaying);
  }
  async function append(n: number): Promise<void> {
    const readings = Array.from({ length: n }, () => {
      appended += 1;
      return { deviceId: 'lamp', id: `r${appended}`, ts: NOW + appended, data: { n: appended } };
    });
    await Promise.all(readings.map((reading) => opened.store.append(TEST_ADDON, reading)));
  }
  const items = (first = 1, last = opened.store.relayHead()): RelayItem[] => [
    ...opened.store.relayItems(first, last),
  ];
  /** `seq` and the value of each, or what was dropped. */
  const brief = (found = items()): unknown[] =>
    found.map((item) => ('dropped' in item ? item.dropped : [item.seq, item.data['n']]));

  beforeEach(async () => {
    folder = tempFolder();
    appended = 0;
    await open(true);
    await opened.store.saveDevice(testDevice('lamp'));
    await opened.store.saveDevice(testDevice('plug'));
  });

  afterEach(async () => {
    await opened.store.stop();
    folder.remove();
  });

  it('begin at 1, have no holes, and go on after a restart', async () => {
    await append(3);
    await reopen(true);
    await append(2);
    assert.deepEqual(brief(), [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ]);
    assert.deepEqual(brief(items(2, 3)), [
      [2, 2],
      [3, 3],
    ]);
  });

  it('are not used up by a repeat, nor by a reading of a device that is gone', async () => {
    await append(1);
    await opened.store.append(TEST_ADDON, { deviceId: 'lamp', id: 'r1', ts: NOW, data: { n: 1 } });
    await opened.store.append(TEST_ADDON, { deviceId: 'nobody', id: 'x', ts: NOW, data: { n: 1 } });
    await append(1);
    assert.deepEqual(brief(), [
      [1, 1],
      [2, 2],
    ]);
  });

  it('show a reading as it was stored, under the id that the API shows too', async () => {
    const data = { a: { b: [1, { c: null }] }, text: 'ü' };
    await opened.store.append(TEST_ADDON, { deviceId: 'plug', id: 'x', ts: NOW, data });
    const [reading] = opened.commits.flat();
    assert.deepEqual(items(), [{ id: reading?._id, deviceId: 'plug', ts: NOW, seq: 1, data }]);
  });

  it('are given to no reading that is stored while nothing is relayed', async () => {
    await append(2);
    await reopen(false);
    await append(3);
    assert.equal(opened.store.relayHead(), 2);
    await reopen(true);
    await append(2);
    assert.deepEqual(brief(), [
      [1, 1],
      [2, 2],
      [3, 6],
      [4, 7],
    ]);
  });

  it('agree with a plain count, however relaying is switched on and off', async () => {
    const periods = fc.array(fc.record({ relaying: fc.boolean(), readings: fc.nat(6) }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(periods, async (chosen) => {
        const expected: unknown[] = [];
        const before = opened.store.relayHead();
        for (const { relaying, readings } of chosen) {
          await reopen(relaying);
          await append(readings);
          if (!relaying) continue;
          for (let n = appended - readings + 1; n <= appended; n += 1)
            expected.push([before + expected.length + 1, n]);
        }
        assert.deepEqual(brief(items(before + 1)), expected);
        assert.equal(opened.store.relayHead(), before + expected.length);
      }),
      { numRuns: 8 },
    );
  });

  it('are given to no reading of a device that is excluded, nor to one that is thinned out', async () => {
    const rules = { thinning: { n: { deadband: 3 } } };
    await opened.store.saveDevice({ ...testDevice('lamp'), relay: rules });
    await opened.store.saveDevice({ ...testDevice('plug'), relay: { excluded: true } });
    for (let n = 1; n <= 5; n += 1) {
      await append(1);
      await opened.store.append(TEST_ADDON, { deviceId: 'plug', id: `p${n}`, ts: NOW, data: { n: 0 } });
    }
    const expected = [
      [1, 1],
      [2, 4],
    ];
    assert.deepEqual(brief(), expected);
    // a change of something else does not begin anew
    await opened.store.saveDevice({ ...testDevice('lamp'), name: 'other', relay: rules });
    await append(1);
    assert.deepEqual(brief(), expected);
    // after a start the first one goes
    await reopen(true);
    await append(2);
    assert.deepEqual(brief(), [...expected, [3, 7]]);
    await opened.store.saveDevice(testDevice('lamp'));
    await append(1);
    assert.deepEqual(brief(), [...expected, [3, 7], [4, 9]]);
    const { totalItems } = opened.store.page({
      deviceId: 'plug',
      page: 1,
      perPage: 1,
      sortKey: 'ts',
      descending: false,
    });
    assert.equal(totalItems, 5);
  });

  it('tell in its place what was deleted', async () => {
    await append(2);
    await opened.store.append(TEST_ADDON, { deviceId: 'plug', id: 'p', ts: NOW, data: { n: 0 } });
    await append(1);
    await opened.store.removeDevice('plug');
    await reopen(true);
    await until('the readings of the device are deleted', () => 'dropped' in (items()[2] as RelayItem));
    assert.deepEqual(brief(), [[1, 1], [2, 2], { fromSeq: 3, toSeq: 3 }, [4, 3]]);
  });

  it('of what is pending are all at first, and then as they were noted', async () => {
    await append(9);
    assert.deepEqual(opened.store.relayPending(), [{ first: 1 }]);
    opened.store.noteRelayed([{ first: 3, last: 5 }, { first: 8 }]);
    await reopen(true);
    assert.deepEqual(opened.store.relayPending(), [{ first: 3, last: 5 }, { first: 8 }]);
  });

  it('of what is pending are on disk with the next commit', async () => {
    await append(3);
    opened.store.noteRelayed([{ first: 3 }]);
    await append(1);
    assert.deepEqual(opened.store.relayPending(), [{ first: 3 }]);
  });

  it('are forgotten run by run, once they were relayed, and go on all the same', async () => {
    for (const relaying of [false, true, false, true, false]) {
      await reopen(relaying);
      await append(1);
    }
    opened.store.noteRelayed([{ first: 3 }]);
    await reopen(true);
    await append(1);
    assert.deepEqual(brief(items(3)), [[3, 6]]);
    assert.equal(opened.store.relayHead(), 3);
  });
});

describe('a store from before the cloud', () => {
  it('is relayed from the next reading on', async () => {
    const folder = tempFolder();
    const path = join(folder.path, 'gate.db');
    const old = await openMigrated(path, MIGRATIONS.slice(0, 4));
    old.exec(`INSERT INTO device (id, record) VALUES ('lamp', '${JSON.stringify(testDevice('lamp'))}')`);
    old.exec(`INSERT INTO shape VALUES (1, '{"n":0}')`);
    for (let n = 1; n <= 5; n += 1)
      old.exec(`INSERT INTO reading (dev, ts, shape, vals) VALUES (1, ${NOW + n}, 1, '[${n}]')`);
    old.close();

    const { store } = await openStore(folder.path, { relaying: true }, () => NOW);
    assert.equal(store.relayHead(), 0);
    await store.append(TEST_ADDON, { deviceId: 'lamp', id: 'new', ts: NOW + 9, data: { n: 9 } });
    const found = [...store.relayItems(1, store.relayHead())];
    assert.deepEqual(
      found.map((item) => 'seq' in item && [item.seq, item.data]),
      [[1, { n: 9 }]],
    );
    assert.equal(
      store.page({ deviceId: 'lamp', page: 1, perPage: 1, sortKey: 'ts', descending: false }).data[0]?.ts,
      NOW + 1,
    );
    await store.stop();
    folder.remove();
  });
});
