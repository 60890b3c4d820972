/**
 * `kill -9` of the daemon at random moments while an add-on sends all it can: nothing that was acknowledged is lost,
 * nothing is there twice, however often it was delivered. (`KILLS=200 npm run test:e2e` for a longer run.)
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Daemon } from '../support/daemon.ts';
import { addForeignAddon } from '../support/foreign-addon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const KILLS = Number(process.env['KILLS'] ?? 12);
const SLUG = 'journal';

/** A small generator with a seed, so that a run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function numbers(path: string): number[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1).map(Number) : [];
}

describe('the daemon, killed while readings come in', function () {
  this.timeout(60_000 + KILLS * 6_000);
  let folder: ReturnType<typeof tempFolder>;

  before(() => {
    folder = tempFolder();
  });
  after(() => (process.env['KEEP'] ? console.log(folder.path) : folder.remove()));

  it('loses nothing that it acknowledged and stores nothing twice', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    console.log(`      SEED=${seed} KILLS=${KILLS}`);
    const random = randomFrom(seed);
    const type = addForeignAddon(folder.path, { slug: SLUG, source: 'journal.ts' });
    const addonData = join(folder.path, 'addons-data', SLUG);
    const acked = () => numbers(join(addonData, 'acked'));

    let daemon = await Daemon.start({ dataFolder: folder.path });
    await daemon.api.send('POST', `/device/v1/protocols/${SLUG}/installation`, { parameters: {} });
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'counter',
      type,
    });
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = acked().length;
      await until('readings are acknowledged', () => acked().length > before);
      await pause(random() * 300);
      await daemon.kill();
      daemon = await Daemon.start({ dataFolder: folder.path });
    }
    const beforeTheEnd = acked().length;
    await until('readings are acknowledged after the last kill', () => acked().length > beforeTheEnd);
    assert.equal(await daemon.stop(), 0);

    const database = new DatabaseSync(join(folder.path, 'gate.db'), { readOnly: true });
    const stored = database
      .prepare(
        'SELECT vals, count(*) AS copies FROM reading r JOIN device d ON d.k = r.dev WHERE d.id = ? GROUP BY vals',
      )
      .all(id);
    const counted = database.prepare('SELECT sum(n) AS n FROM reading_count').get()?.['n'];
    assert.deepEqual(
      database.prepare('PRAGMA integrity_check').all(),
      [{ integrity_check: 'ok' }].map((row) => Object.assign(Object.create(null), row)),
    );
    database.close();

    const present = new Set(stored.map((row) => (JSON.parse(String(row['vals'])) as [number])[0]));
    const lost = acked().filter((n) => !present.has(n));
    const twice = stored.filter((row) => Number(row['copies']) > 1);
    console.log(`      ${acked().length} acknowledgements, ${present.size} readings stored`);
    assert.deepEqual({ lost: lost.slice(0, 20), twice: twice.slice(0, 20) }, { lost: [], twice: [] });
    assert.equal(counted, stored.length);
    // an add-on that was told to stop has had everything acknowledged
    assert.equal(
      numbers(join(addonData, 'sent')).every((n) => present.has(n)),
      true,
    );
  });
});
