/** What the log leaves out, and how it tells the journal what is urgent. */
import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import fc from 'fast-check';
import { leadsToJournal } from '../../../src/lib/journal.ts';
import { LogRing } from '../../../src/lib/log-ring.ts';
import { createLogger } from '../../../src/lib/logger.ts';

const SECRET = 'hunter2-hunter2';
const KEYS = [
  ...['password', 'token', 'secret', 'clientSecret', 'client_secret', 'authorization', 'privateKey'],
  ...['access_token', 'installCode', 'networkKey', 'passphrase', 'webhook'],
];

function logged(journal = false) {
  const written: string[] = [];
  const ring = new LogRing();
  const output = { write: (line: string) => void written.push(line) };
  return { written, ring, logger: createLogger('trace', { ring, name: 'gate', output, journal }) };
}

describe('the log', () => {
  it('leaves out what may be a secret, in whatever object it comes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KEYS),
        fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 2 }),
        (key, path) => {
          const { written, ring, logger } = logged();
          const fields = [...path]
            .reverse()
            .reduce<object>((inner, name) => ({ [name]: inner }), { [key]: SECRET });
          logger.info({ ...fields, kept: 'seen' }, 'something happened');
          assert.ok(!written.join().includes(SECRET), written.join());
          assert.ok(!JSON.stringify(ring.lines()).includes(SECRET));
          assert.ok(written.join().includes('seen'));
        },
      ),
    );
  });

  it('tells the journal how urgent each line is, and nobody else', () => {
    const lines = (journal: boolean) => {
      const { written, logger, ring } = logged(journal);
      for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) logger[level]('said');
      assert.equal(ring.lines().length, 5);
      return written;
    };
    assert.deepEqual(
      lines(true).map((line) => line.slice(0, 4)),
      ['<7>{', '<6>{', '<4>{', '<3>{', '<2>{'],
    );
    for (const line of lines(false)) JSON.parse(line);
  });

  it('knows the journal by what systemd says of the stream', () => {
    const { dev, ino } = fstatSync(1, { bigint: true });
    assert.equal(leadsToJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, 1), true);
    assert.equal(leadsToJournal({ JOURNAL_STREAM: `${dev}:${ino + 1n}` }, 1), false);
    assert.equal(leadsToJournal({}, 1), false);
  });
});
