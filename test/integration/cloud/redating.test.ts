/** Readings are dated anew in one transaction: killed at any moment, all have their old time or all the new one. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openForReading } from '../../../src/store/sqlite.ts';
import { openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const READINGS = 30_000;
const KILLS_MAX = 40;
const RIGHT = Date.UTC(2026, 10, 20);
/** What one kill comes later than the one before. */
const STEP_MS = 15;

describe('readings that are dated anew', function () {
  this.timeout(180_000);
  let folder: ReturnType<typeof tempFolder>;
  let program: ChildProcess | undefined;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => {
    program?.kill('SIGKILL');
    folder.remove();
  });

  /** How many readings are of 1970, how many of now, how many have a mark; and what the counts by hour add up to. */
  function found() {
    const database = openForReading(join(folder.path, 'gate.db'));
    const number = (sql: string) => Number(database.prepare(sql).get()?.['n']);
    const counts = {
      old: number(`SELECT count(*) AS n FROM reading WHERE ts < ${RIGHT}`),
      marked: number('SELECT count(*) AS n FROM reading_unsure'),
      oldHours: number(
        `SELECT coalesce(sum(n), 0) AS n FROM reading_count WHERE hour * 3600000 < ${RIGHT} - 3600000`,
      ),
      all: number('SELECT sum(n) AS n FROM reading_count'),
    };
    database.close();
    return counts;
  }

  it('are so all at once, wherever the program is killed', async () => {
    const { store } = await openStore(folder.path, { relaying: true }, () => 0);
    await store.saveDevice(testDevice('lamp'));
    const stretch = { k: 1, boot: 'first', offsetMs: 0 };
    await Promise.all(
      Array.from({ length: READINGS }, (_, n) =>
        store.append(TEST_ADDON, { deviceId: 'lamp', id: `r${n}`, ts: n * 1_000, data: { n }, stretch }),
      ),
    );
    await store.stop();
    const before = { old: READINGS, marked: READINGS, oldHours: READINGS, all: READINGS };
    assert.deepEqual(found(), before);
    const after = { old: 0, marked: 0, oldHours: 0, all: READINGS };
    let kills = 0;
    for (let isDone = false; !isDone && kills < KILLS_MAX; kills += 1) {
      const run = fork(join(import.meta.dirname, 'redating-program.ts'), [folder.path, String(RIGHT)]);
      program = run;
      const exited = once(run, 'exit');
      await once(run, 'message');
      await pause(kills * STEP_MS);
      run.kill('SIGKILL');
      await exited;
      const now = found();
      isDone = now.old === 0;
      assert.deepEqual(now, isDone ? after : before);
    }
    console.log(`      ${kills} kills until it had come to its end`);
    assert.deepEqual(found(), after);
  });
});
