import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { SeqRange } from '../../../src/model/relay.ts';
import { ReadingPacks } from '../../../src/store/history/reading-packs.ts';
import { openMigrated } from '../../../src/store/migrations.ts';
import { ReadingWriter } from '../../../src/store/reading-writer.ts';
import { RelayProgress } from '../../../src/store/relay/relay-progress.ts';
import { RelayQuery } from '../../../src/store/relay/relay-query.ts';
import { RelayRuns } from '../../../src/store/relay/relay-runs.ts';
import { Retention } from '../../../src/store/retention.ts';
import type { Database } from '../../../src/store/sqlite.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const HOUR_MS = 3_600_000;
/** As many as one step of retention looks at. */
const CHUNK = 5_000;

/** A store whose upkeep is carried out by hand. */
class OpenHouse {
  readonly #database: Database;
  readonly #writer: ReadingWriter;
  readonly #retention: Retention;
  readonly progress: RelayProgress;
  #written = 0;

  constructor(database: Database) {
    this.#database = database;
    database.exec("INSERT INTO device (id, record) VALUES ('lamp', '{}')");
    const packs = new ReadingPacks(database);
    this.progress = new RelayProgress(database);
    const runs = new RelayRuns(database, true);
    const relay = { relaying: true, runs, progress: this.progress };
    this.#writer = new ReadingWriter({ database, packs, relay });
    this.#writer.load();
    this.#retention = new Retention({ database, packs, progress: this.progress });
  }

  /** Readings, one a second from `ts` on. */
  write(readings: number, ts = 0): void {
    const batch = Array.from({ length: readings }, (_, n) => {
      this.#written += 1;
      return {
        addon: 'test',
        deviceId: 'lamp',
        id: `r${this.#written}`,
        ts: ts + n * 1_000,
        data: { n: this.#written },
      };
    });
    this.#writer.write(batch);
  }

  pending(...ranges: SeqRange[]): void {
    this.progress.note(ranges);
    this.progress.save();
  }

  /** One step with room for nothing, or for everything that is not too old. */
  step({ maxBytes = 0, beforeMs = 0 } = {}) {
    return this.#retention.step({ beforeMs, maxBytes });
  }

  /** What is left, as ranges of numbers. */
  left(): [number, number][] {
    const numbers = this.#database.prepare('SELECT seq FROM reading ORDER BY seq').all();
    const ranges: [number, number][] = [];
    for (const { seq } of numbers) {
      const newest = ranges.at(-1);
      if (newest && newest[1] === Number(seq) - 1) newest[1] += 1;
      else ranges.push([Number(seq), Number(seq)]);
    }
    return ranges;
  }

  dropped(): unknown[] {
    const query = new RelayQuery(this.#database, String);
    const found: unknown[] = [];
    for (const item of query.items(1, query.head())) if ('dropped' in item) found.push(item.dropped);
    return found;
  }
}

describe('retention while the cloud has not got everything', () => {
  let folder: ReturnType<typeof tempFolder>;
  let database: Database;
  let house: OpenHouse;

  beforeEach(async () => {
    folder = tempFolder();
    database = await openMigrated(join(folder.path, 'gate.db'));
    house = new OpenHouse(database);
  });

  afterEach(() => {
    database.close();
    folder.remove();
  });

  it('deletes what the cloud has got first, where there is too much', () => {
    house.write(3 * CHUNK);
    house.pending({ first: 11, last: 2 * CHUNK }, { first: 3 * CHUNK - 9 });
    const steps = [house.step(), house.step()];
    assert.deepEqual(
      steps.map(({ deletedBySize, notRelayed }) => [deletedBySize, notRelayed]),
      [
        [10, 0],
        [CHUNK - 10, 0],
      ],
    );
    assert.deepEqual(house.left(), [
      [11, 2 * CHUNK],
      [3 * CHUNK - 9, 3 * CHUNK],
    ]);
  });

  it('then the oldest that it has not got, says how many, and the cloud is told in their place', () => {
    house.write(2 * CHUNK);
    house.pending({ first: 11 });
    let step = house.step();
    while (step.notRelayed === 0) step = house.step();
    const { notRelayed } = step;
    assert.equal(step.deletedBySize, notRelayed);
    const [[first] = [0]] = house.left();
    assert.equal(first, 11 + notRelayed);
    assert.deepEqual(house.dropped()[0], { fromSeq: 1, toSeq: first - 1 });
  });

  it('ends when nothing is left', () => {
    house.write(CHUNK);
    for (let more = true, steps = 0; more; steps += 1) {
      assert.ok(steps < 10);
      more = house.step().more;
    }
    assert.deepEqual(house.left(), []);
  });

  it('deletes what is too old in any case, and says how much the cloud had not got', () => {
    house.write(100, 0);
    house.write(100, 2 * HOUR_MS);
    house.pending({ first: 91 });
    const step = house.step({ beforeMs: HOUR_MS, maxBytes: 1e9 });
    assert.deepEqual([step.deletedByAge, step.notRelayed], [100, 10]);
    assert.deepEqual(house.left(), [[101, 200]]);
  });
});
