import assert from 'node:assert/strict';
import type { StoredReading } from '../../../src/model/reading.ts';
import { CommitQueue, QUEUE_MAX } from '../../../src/store/commit-queue.ts';
import { WriterError } from '../../../src/store/writer.ts';
import type { QueuedReading, WriterCallName, WriterCalls } from '../../../src/store/writer-messages.ts';

/** A disk that takes, refuses for a while, or is broken, as the test says. */
class Disk {
  readonly batches: QueuedReading[][] = [];
  trouble: (() => WriterError) | undefined;
  busy: Promise<void> = Promise.resolve();
  #seq = 0;

  call = async <K extends WriterCallName>(
    _call: K,
    argument: WriterCalls[K]['argument'],
  ): Promise<WriterCalls[K]['answer']> => {
    await this.busy;
    if (this.trouble) throw this.trouble();
    const batch = argument as QueuedReading[];
    this.batches.push(batch);
    return batch.map(() => ++this.#seq) as WriterCalls[K]['answer'];
  };
}

const full = () => new WriterError({ code: 'storeFailed', message: 'full', passing: 'the disk is full' });

describe('group commit', () => {
  let disk: Disk;
  let queue: CommitQueue;
  let committed: StoredReading[];
  let troubles: (string | undefined)[];

  function make(windowMs: number, savedMs = 0): CommitQueue {
    return new CommitQueue({
      onCommitTime: () => {},
      writer: disk,
      publicId: String,
      windowMs,
      savedMs,
      onCommit: (readings) => committed.push(...readings),
      onTrouble: (reason) => troubles.push(reason),
      monotonicNow: () => performance.now(),
    });
  }

  beforeEach(() => {
    disk = new Disk();
    committed = [];
    troubles = [];
    queue = make(50);
  });

  const append = (n: number) => queue.append('addon', { deviceId: 'lamp', id: `n${n}`, ts: n, data: { n } });

  it('takes a lone reading to disk at once, and those that follow within the window together', async () => {
    await append(0);
    await Promise.all([append(1), append(2), append(3)]);
    assert.deepEqual(
      disk.batches.map((batch) => batch.length),
      [1, 3],
    );
  });

  it('takes windows that were not used, as many as are saved, and then waits for the next', async () => {
    queue = make(1_000, 3_000);
    // the first, and three more: nothing has been used before
    for (let n = 0; n < 4; n += 1) await append(n);
    const batches = () => disk.batches.map((batch) => batch.length);
    assert.deepEqual(batches(), [1, 1, 1, 1]);
    const late = [append(4), append(5)];
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(batches(), [1, 1, 1, 1]);
    await queue.stop();
    await Promise.all(late);
    assert.deepEqual(batches(), [1, 1, 1, 1, 2]);
  });

  it('saves its windows where readings come densely: they share the next', async () => {
    let release: () => void = () => undefined;
    disk.busy = new Promise((resolve) => {
      release = resolve;
    });
    queue = make(1_000, 60_000);
    const first = append(0);
    const dense = Array.from({ length: 100 }, (_, n) => append(n + 1));
    release();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(disk.batches.length, 1);
    await queue.stop();
    await Promise.all(dense);
    assert.deepEqual(
      disk.batches.map((batch) => batch.length),
      [1, 100],
    );
  });

  it('does not wait for the window when many readings wait', async () => {
    queue = make(60_000);
    await append(0);
    await Promise.all(Array.from({ length: 250 }, (_, n) => append(n + 1)));
    assert.equal(committed.length, 251);
    await queue.stop();
  });

  it('does not let the rest of a burst wait for the window: its senders wait for it', async () => {
    queue = make(60_000);
    await append(0);
    await Promise.all(Array.from({ length: 1_020 }, (_, n) => append(n + 1)));
    assert.equal(committed.length, 1_021);
    await queue.stop();
  });

  it('keeps everything while the disk is full, says so, and goes on by itself in the same order', async () => {
    disk.trouble = full;
    const waiting = Promise.all([append(1), append(2), append(3)]);
    while (troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([committed.length, troubles[0]], [0, 'the disk is full']);
    disk.trouble = undefined;
    assert.deepEqual(await waiting, [true, true, true]);
    assert.deepEqual(
      committed.map(({ ts }) => ts),
      [1, 2, 3],
    );
    assert.equal(troubles.at(-1), undefined);
  });

  it('acknowledges nothing that it could not store before it had to stop', async () => {
    disk.trouble = full;
    const waiting = append(1);
    const refused = assert.rejects(waiting, { code: 'storeFailed' });
    while (troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await queue.stop();
    await refused;
    assert.equal(committed.length, 0);
  });

  it('makes callers wait past its bound, and drops nothing', async () => {
    let release: () => void = () => undefined;
    disk.busy = new Promise((resolve) => {
      release = resolve;
    });
    const waiting = Array.from({ length: QUEUE_MAX + 2_000 }, (_, n) => append(n));
    release();
    assert.equal((await Promise.all(waiting)).length, QUEUE_MAX + 2_000);
    assert.equal(committed.length, QUEUE_MAX + 2_000);
    assert.equal(Math.max(...disk.batches.map((batch) => batch.length)) <= 1_000, true);
  });
});
