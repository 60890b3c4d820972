import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readPackage } from '../../../src/supervisor/addon-folders.ts';
import { AddonShelfOnDisk } from '../../../src/supervisor/addon-shelf.ts';
import { LogPositions } from '../../../src/supervisor/containers/log-position.ts';
import { RemovalNotes } from '../../../src/supervisor/containers/removal-notes.ts';
import { RunRecords } from '../../../src/supervisor/run-record.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const DAMAGES: Record<string, (path: string) => void> = {
  torn: (path) => truncateSync(path, 9),
  emptied: (path) => truncateSync(path, 0),
  'of zeros': (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length)),
  'a folder': (path) => {
    rmSync(path);
    mkdirSync(join(path, 'inner'), { recursive: true });
  },
};
const POINT = { container: 'x', LOG: { at: '2026-11-22T04:05:36.000000001Z', count: 1 } };

for (const [what, damage] of Object.entries(DAMAGES)) {
  describe(`a file of the supervisor that is ${what}`, () => {
    let folder: ReturnType<typeof tempFolder>;
    let told: string[];
    const tell = (words: string) => void told.push(words);
    beforeEach(() => {
      folder = tempFolder();
      told = [];
    });
    afterEach(() => folder.remove());

    const demandSetAside = (name: string) => {
      assert.equal(told.length, 1, told.join('\n'));
      assert.ok(told[0]?.includes(join(folder.path, name)));
      assert.ok(readdirSync(folder.path).some((each) => each.startsWith(`${name}.damaged-`)));
    };

    it('the record of a run: told, and the next run is noted', async () => {
      const records = new RunRecords(folder.path, tell);
      await records.save('a', process.pid);
      damage(join(folder.path, 'a.json'));
      assert.equal(await records.survivor('a'), undefined);
      demandSetAside('a.json');
      await records.save('a', process.pid);
      assert.equal((await records.survivor('a'))?.pid, process.pid);
    });

    it('the record of a run that ends: taken away', async () => {
      const records = new RunRecords(folder.path, tell);
      await records.save('a', process.pid);
      damage(join(folder.path, 'a.json'));
      await records.remove('a');
      assert.deepEqual(readdirSync(folder.path), []);
    });

    it('the note of a removal: told, kept aside, and in the way of no other', async () => {
      const notes = new RemovalNotes(folder.path, tell);
      await notes.add('a', { data: true, images: [] });
      damage(join(folder.path, 'a.removal'));
      await notes.add('a', { data: false, images: [] });
      demandSetAside('a.removal');
      assert.deepEqual(await notes.slugs(), ['a']);
      assert.deepEqual(await notes.read('a'), { data: false, images: [] });
      damage(join(folder.path, 'a.removal'));
      await notes.remove('a');
      assert.deepEqual(await notes.slugs(), []);
    });

    it('how far a log was told: told, read from the beginning, and noted anew', async () => {
      const path = join(folder.path, 'a.log-position');
      writeFileSync(path, JSON.stringify(POINT));
      damage(path);
      const positions = new LogPositions(folder.path, tell);
      assert.equal((await positions.of('a', 'x')).since, undefined);
      demandSetAside('a.log-position');
      positions.noteTold('a');
      assert.ok(existsSync(path));
    });

    it('the mark of an add-on that is kept to go back to: not trusted, and the copy is made anew', async () => {
      const home = join(folder.path, 'addons', 'a');
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, 'main.js'), 'its code');
      const bundled = await readPackage(join(import.meta.dirname, '../../../addons/http'));
      assert.ok(bundled);
      const shelf = new AddonShelfOnDisk(folder.path);
      const addon = { ...bundled, manifest: { ...bundled.manifest, slug: 'a' }, folder: home };
      await shelf.keep(addon);
      const mark = join(folder.path, 'addons-kept', 'a.kept');
      const whole = readFileSync(mark, 'utf8');
      damage(mark);
      assert.equal(await shelf.restore(addon), undefined);
      await shelf.keep(addon);
      assert.equal(readFileSync(mark, 'utf8'), whole);
      damage(mark);
      await shelf.forget('a');
      assert.equal(existsSync(mark), false);
    });
  });
}
