import assert from 'node:assert/strict';
import type { TimedLine } from '../../../../src/supervisor/containers/log-frames.ts';
import { LogPosition, LogPositions } from '../../../../src/supervisor/containers/log-position.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const line = (type: 'LOG' | 'ERR', nanos: number, text: string): TimedLine => ({
  type,
  at: `2026-11-22T04:05:36.${String(nanos).padStart(9, '0')}Z`,
  text,
});
/** As an engine keeps them: two of one time, and one of stderr that is written down after a later one of stdout. */
const LOG = [
  line('LOG', 100, 'a'),
  line('LOG', 200, 'b'),
  line('LOG', 200, 'c'),
  line('LOG', 300, 'd'),
  line('ERR', 250, 'e'),
  line('ERR', 250, 'f'),
  line('LOG', 400, 'g'),
];

describe('how far a log was read', () => {
  it('goes on behind any line, without one left out or read twice', () => {
    for (let stopped = 0; stopped <= LOG.length; stopped += 1) {
      const position = new LogPosition({ container: 'x' });
      for (const each of LOG.slice(0, stopped)) position.add(each);
      const kept = new LogPosition(JSON.parse(JSON.stringify(position)));
      const isNew = kept.filter();
      const read = LOG.filter(isNew).map(({ text }) => text);
      assert.deepEqual(
        read,
        LOG.slice(stopped).map(({ text }) => text),
        `stopped behind ${stopped} lines`,
      );
    }
  });

  it('asks for the log from before the older of both outputs, and from its beginning where nothing was read', () => {
    assert.equal(new LogPosition({ container: 'x' }).since, undefined);
    const position = new LogPosition({ container: 'x' });
    for (const each of LOG) position.add(each);
    assert.equal(position.since, 1_795_320_336_000_000_250n - 1_000_000_000n);
  });

  it('is kept as far as it was told, of one container', async () => {
    const folder = tempFolder();
    try {
      const positions = new LogPositions(folder.path, assert.fail);
      const read = await positions.of('a', 'x');
      read.add(line('LOG', 1, 'told'));
      positions.noteTold('a');
      read.add(line('LOG', 2, 'not told'));
      const next = await new LogPositions(folder.path, assert.fail).of('a', 'x');
      assert.deepEqual(next.toJSON(), { container: 'x', LOG: { at: line('LOG', 1, '').at, count: 1 } });
      assert.equal(await positions.of('a', 'x'), read, 'what was read counts as long as the daemon runs');
      assert.equal((await new LogPositions(folder.path, assert.fail).of('a', 'y')).since, undefined);
      await positions.remove('a');
      assert.equal((await new LogPositions(folder.path, assert.fail).of('a', 'x')).since, undefined);
    } finally {
      folder.remove();
    }
  });
});
