import assert from 'node:assert/strict';
import {
  LINE_MAX_CHARS,
  type LogLine,
  LogRing,
  RING_MAX_BYTES,
  RING_MAX_LINES,
} from '../../../src/lib/log-ring.ts';
import { createLogger } from '../../../src/lib/logger.ts';

function line(message: string): LogLine {
  return { timestamp: 1, type: 'LOG', message, ingestionTime: 2 };
}

describe('a log ring', () => {
  const messages = (lines: readonly LogLine[]) => lines.map(({ message }) => message);

  it('keeps the last lines up to their number', () => {
    const ring = new LogRing();
    for (let n = 0; n < RING_MAX_LINES + 3; n += 1) ring.add(line(String(n)));
    assert.equal(ring.lines().length, RING_MAX_LINES);
    assert.deepEqual([ring.lines()[0], ring.lines().at(-1)], [line('3'), line(String(RING_MAX_LINES + 2))]);
  });

  it('keeps the last lines up to their size, each cut to its own', () => {
    const ring = new LogRing();
    for (let n = 0; n < 100; n += 1) ring.add(line('é'.repeat(2 * LINE_MAX_CHARS)));
    assert.equal(ring.lines().length, RING_MAX_BYTES / (2 * LINE_MAX_CHARS));
    assert.equal(ring.lines()[0]?.message.length, LINE_MAX_CHARS);
  });

  it('gives what came since a line, as far as it is still there', () => {
    const ring = new LogRing();
    for (const message of ['a', 'b', 'c']) ring.add(line(message));
    assert.deepEqual(messages(ring.since(0)), ['a', 'b', 'c']);
    assert.deepEqual(messages(ring.since(2)), ['c']);
    assert.deepEqual(ring.since(ring.added), []);
    const told = ring.added;
    for (let n = 0; n < 2 * RING_MAX_LINES; n += 1) ring.add(line(String(n)));
    assert.equal(ring.since(told).length, RING_MAX_LINES);
  });
});

describe('the log and its ring', () => {
  function loggerWithRing() {
    const ring = new LogRing();
    const written: string[] = [];
    const output = { write: (text: string) => void written.push(text) };
    return { ring, written, logger: createLogger('info', { ring, name: 'gate', output }) };
  }

  it('has the time, the name, the words and what else belongs to them', () => {
    const { ring, written, logger } = loggerWithRing();
    logger.info('Connecting...');
    logger.warn({ part: 'store', err: new Error('the disk is full') }, 'it failed');
    const [first, second] = ring.lines() as [LogLine, LogLine];
    assert.match(first.message, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z gate Connecting\.\.\.$/);
    assert.equal(first.type, 'LOG');
    assert.equal(first.timestamp, Date.parse(first.message.split(' ')[0] as string));
    assert.match(second.message, /gate it failed \(the disk is full\) \{"part":"store"\}$/);
    assert.equal(second.type, 'ERR');
    assert.equal(written.length, 2);
  });

  it('holds no secret', () => {
    const { ring, logger } = loggerWithRing();
    logger.info({ token: 'abc', login: { password: 'abc' }, a: { b: { secret: 'abc' } } }, 'logged in');
    assert.equal(ring.lines().length, 1);
    assert.doesNotMatch(ring.lines()[0]?.message ?? '', /abc/);
  });

  it('leaves out what add-ons wrote, and what the level leaves out', () => {
    const { ring, written, logger } = loggerWithRing();
    logger.info({ addon: 'http', stream: 'LOG' }, 'polling');
    logger.debug('a detail');
    assert.deepEqual([ring.lines().length, written.length], [0, 1]);
  });
});
