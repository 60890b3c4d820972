import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { HistoryQuery } from '../../../src/store/history/history-query.ts';
import { ReadingPacks } from '../../../src/store/history/reading-packs.ts';
import { openMigrated } from '../../../src/store/migrations.ts';
import { ReadingWriter } from '../../../src/store/reading-writer.ts';
import { RelayProgress } from '../../../src/store/relay/relay-progress.ts';
import { Retention } from '../../../src/store/retention.ts';
import { type Database, openForReading } from '../../../src/store/sqlite.ts';
import { testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const HOUR_MS = 3_600_000;
const NOW = 1_700_000_000_000 - (1_700_000_000_000 % HOUR_MS);
const SMALL = { readings: 4, latest: 2 };

interface Sent {
  ts: number;
  n: number;
}

/** The writer thread's parts in this thread, with packs of four. */
class SmallStore {
  readonly #path: string;
  #database!: Database;
  #reader!: Database;
  #packs!: ReadingPacks;
  #writer!: ReadingWriter;
  #retention!: Retention;
  #written = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<void> {
    this.#database = await openMigrated(this.#path);
    this.#reader = openForReading(this.#path);
    this.#packs = new ReadingPacks(this.#database, SMALL);
    this.#writer = new ReadingWriter({ database: this.#database, packs: this.#packs });
    this.#retention = new Retention({
      database: this.#database,
      packs: this.#packs,
      progress: new RelayProgress(this.#database),
    });
    this.#writer.load();
  }

  close(): void {
    this.#reader.close();
    this.#database.close();
  }

  addDevice(id: string): void {
    const record = JSON.stringify(testDevice(id));
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO device (id, record) VALUES (?, ?)')
      .run(id, record);
    this.#writer.deviceAdded(id, Number(lastInsertRowid));
  }

  removeDevice(id: string): void {
    this.#database.prepare('UPDATE device SET record = NULL WHERE id = ?').run(id);
    this.#writer.deviceRemoved(id);
  }

  send(deviceId: string, sent: readonly Sent[], text?: string): void {
    this.#writer.write(
      sent.map(({ ts, n }) => {
        this.#written += 1;
        const data = { n, ...(n % 5 === 0 ? { odd: true } : {}), ...(text === undefined ? {} : { text }) };
        return { addon: 'test', deviceId, id: `r${this.#written}`, ts, data };
      }),
    );
  }

  pack(mend = false): void {
    while (this.#packs.step({ mend }));
  }

  dropBefore(beforeMs: number): void {
    while (this.#retention.step({ beforeMs, maxBytes: 1e12 }).more);
  }

  /** Each pack of a device: where it begins and ends, and whether it is loose. */
  packs(deviceId: string): { start: number; until: number; loose: boolean }[] {
    return this.#database
      .prepare(
        `SELECT start, until, shapes FROM reading_pack
          WHERE dev = (SELECT k FROM device WHERE id = ?) ORDER BY start`,
      )
      .all(deviceId)
      .map(({ start, until, shapes }) => ({
        start: Number(start),
        until: Number(until),
        loose: shapes === null,
      }));
  }

  bodies(deviceId: string): unknown[] {
    return this.#database
      .prepare('SELECT body FROM reading_pack WHERE dev = (SELECT k FROM device WHERE id = ?) ORDER BY start')
      .all(deviceId)
      .map(({ body }) => body);
  }

  count(table: string): number {
    return Number(this.#database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
  }

  async history(deviceId: string, request: { fromMs?: number; toMs?: number; first?: number } = {}) {
    const query = new HistoryQuery({ database: this.#reader, monotonicNow: () => performance.now() });
    const { first, ...range } = request;
    const pick = first === undefined ? undefined : { end: 'first' as const, count: first };
    const outcome = await query.values({ deviceId, root: [], attributes: ['n'], ...range, pick });
    if ('missing' in outcome) return outcome.missing;
    const { times = [], values = [] } = outcome.entries.get('n') ?? {};
    return times.map((ts, index) => ({ ts, n: Number(values[index]) }));
  }
}

const inOrder = (sent: readonly Sent[]) => sent.toSorted((a, b) => a.ts - b.ts || a.n - b.n);
const steady = (count: number, from = 0): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ ts: NOW + (from + index) * 1_000, n: from + index }));

describe('packs of readings', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: SmallStore;

  beforeEach(async () => {
    folder = tempFolder();
    store = new SmallStore(join(folder.path, 'gate.db'));
    await store.open();
    store.addDevice('lamp');
  });
  afterEach(() => {
    store.close();
    folder.remove();
  });

  it('follow each other up to the latest readings, which are left out', () => {
    store.send('lamp', steady(15));
    store.pack();
    const packs = store.packs('lamp');
    assert.deepEqual(
      packs.map(({ until }) => until),
      [3, 7, 11].map((last) => NOW + last * 1_000 + 1),
    );
    assert.deepEqual(
      packs.map(({ start }) => start),
      [0, ...packs.slice(0, -1).map(({ until }) => until)],
    );
    // 12 are packed; two more would be left out, and four make a pack
    store.send('lamp', steady(2, 15));
    store.pack();
    assert.equal(store.packs('lamp').length, 3);
    store.send('lamp', steady(1, 17));
    store.pack();
    assert.equal(store.packs('lamp').length, 4);
  });

  it('show a history exactly as the readings are, whatever comes late, goes or is mended', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ send: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 12 }) }),
      },
      { weight: 2, arbitrary: fc.record({ pack: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ dropBeforeHour: fc.integer({ min: 0, max: 8 }) }) },
      { weight: 1, arbitrary: fc.constant({ reopen: true }) },
    );
    const span = fc.tuple(fc.integer({ min: -1, max: 41 }), fc.integer({ min: -1, max: 41 }));
    let devices = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), span, async (steps, [a, b]) => {
        devices += 1;
        const device = `device${devices}`;
        store.addDevice(device);
        let expected: Sent[] = [];
        let n = 0;
        for (const next of steps) {
          if ('send' in next) {
            const sent = next.send.map((at) => ({ ts: NOW + (at * HOUR_MS) / 5, n: n++ }));
            store.send(device, sent);
            expected.push(...sent);
          } else if ('pack' in next) store.pack(next.pack);
          else if ('reopen' in next) {
            store.close();
            await store.open();
          } else {
            const beforeMs = NOW + next.dropBeforeHour * HOUR_MS;
            store.dropBefore(beforeMs);
            expected = expected.filter(({ ts }) => ts >= beforeMs);
          }
          const shown = expected.length === 0 ? 'device' : inOrder(expected).reverse();
          assert.deepEqual(await store.history(device), shown);
        }
        if (expected.length > 0) {
          const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b)].map((at) => NOW + (at * HOUR_MS) / 5) as [
            number,
            number,
          ];
          const within = inOrder(expected).filter(({ ts }) => ts >= fromMs && ts <= toMs);
          assert.deepEqual(await store.history(device, { fromMs, toMs }), within.toReversed());
          assert.deepEqual(await store.history(device, { fromMs, toMs, first: 7 }), within.slice(0, 7));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are loosened by a reading that comes late, and made anew when they are mended', () => {
    store.send('lamp', steady(15));
    store.pack();
    store.send('lamp', [{ ts: NOW + 5_500, n: 99 }]);
    const loose = () => store.packs('lamp').map((pack) => pack.loose);
    assert.deepEqual(loose(), [false, true, false]);
    store.pack();
    assert.deepEqual(loose(), [false, true, false]);
    store.pack(true);
    // five readings: a pack of four, and one of the one that is left
    assert.deepEqual(loose(), [false, false, false, false]);
  });

  it('go with the readings that retention deletes, and with their device', () => {
    store.send('lamp', steady(4_000));
    store.pack();
    const before = store.packs('lamp').length;
    store.dropBefore(NOW + HOUR_MS);
    const packs = store.packs('lamp');
    assert.ok(packs.length > 0 && packs.length < before / 5, `${packs.length} of ${before}`);
    assert.ok(packs.every(({ until }) => until > NOW + HOUR_MS));
    store.removeDevice('lamp');
    store.dropBefore(0);
    assert.deepEqual([store.count('reading'), store.count('reading_pack')], [0, 0]);
  });

  it('are not made of more readings of one moment than a pack holds', async () => {
    const sent = [...Array.from({ length: 20 }, (_, n) => ({ ts: NOW, n })), ...steady(12, 20)];
    store.send('lamp', sent);
    store.pack();
    assert.deepEqual(await store.history('lamp'), sent.toReversed());
    assert.equal(store.packs('lamp')[0]?.until, NOW + 1);
    assert.equal(store.bodies('lamp')[0], null);
  });

  it('are not made of large readings: they would take their room twice', async () => {
    store.send('lamp', steady(15), 'x'.repeat(2_000));
    store.pack();
    assert.equal(store.packs('lamp').length, 3);
    assert.deepEqual(store.bodies('lamp'), [null, null, null]);
    assert.deepEqual(await store.history('lamp'), steady(15).toReversed());
  });
});
