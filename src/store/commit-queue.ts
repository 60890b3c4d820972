/**
 * Group commit: readings that arrive together reach the disk together, with one fsync. There is one commit for each
 * window; those that a quiet time leaves unused are saved, for a minute, and a reading that comes alone takes one of
 * them and is committed at once. A steady stream uses them up and then waits for the next window, unless many wait. A
 * reading is told to the listener and its `append` resolves only when it is on disk.
 *
 * Bounded: past `QUEUE_MAX` waiting readings `append` itself waits. While the disk is full or away, everything
 * waits and is tried again; nothing is dropped and nothing acknowledged.
 */
import { backoffMs } from '../lib/backoff.ts';
import { pause } from '../lib/deadline.ts';
import type { NewReading, StoredReading } from '../model/reading.ts';
import { type Writer, WriterError } from './writer.ts';
import type { QueuedReading } from './writer-messages.ts';

/** Readings that may wait for a commit. */
export const QUEUE_MAX = 10_000;
/** Windows that were not used are kept so long. */
export const SAVED_MS = 60_000;
/** Where more wait, they come so densely that sharing a commit is worth waiting for. */
const SPARSE_READINGS = 8;
/** So many waiting readings are committed without waiting for the window. */
const EARLY_READINGS = 250;
/** Most readings in one transaction: about 6 ms of work. */
const BATCH_MAX = 1_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;

export interface CommitQueueParts {
  writer: Pick<Writer, 'call'>;
  /** Turns a seq into the public `_id`. */
  publicId: (seq: number) => string;
  windowMs: number;
  /** How long unused windows are kept: SAVED_MS where it is left out. */
  savedMs?: number;
  onCommit: (readings: readonly StoredReading[]) => void;
  /** How long a commit took until it was on disk. */
  onCommitTime: (ms: number) => void;
  /** The disk refuses writes just now, with the reason; undefined when it takes them again. */
  onTrouble: (reason: string | undefined) => void;
  /** Milliseconds that only ever grow. */
  monotonicNow: () => number;
}

interface Waiting {
  reading: QueuedReading;
  resolve: (isNew: boolean) => void;
  reject: (error: unknown) => void;
}

export class CommitQueue {
  readonly #parts: CommitQueueParts;
  readonly #stopping = new AbortController();
  #waiting: Waiting[] = [];
  #room: (() => void)[] = [];
  #lastBeganAt = Number.NEGATIVE_INFINITY;
  /** When the windows of all commits so far are over, as if they had begun one after the other. */
  #spentUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** Many came at once: what is left of them must not wait, or their senders would. */
  #bursting = false;

  constructor(parts: CommitQueueParts) {
    this.#parts = parts;
  }

  async append(addon: string, { deviceId, id, ts, data, stretch }: NewReading): Promise<boolean> {
    while (this.#waiting.length >= QUEUE_MAX) await new Promise<void>((resolve) => this.#room.push(resolve));
    return new Promise((resolve, reject) => {
      const reading = { addon, deviceId, id, ts, data, ...(stretch ? { stretch } : {}) };
      this.#waiting.push({ reading, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what waits. After this nothing more may be appended. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#running;
    while (this.#waiting.length > 0) await this.#commit();
  }

  #schedule(): void {
    if (this.#running) return;
    const waitMs = this.#dueAt() - this.#parts.monotonicNow();
    if (waitMs <= 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#run();
    } else
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#run();
      }, waitMs);
  }

  #dueAt(): number {
    const { windowMs, savedMs = SAVED_MS } = this.#parts;
    const waiting = this.#waiting.length;
    if (this.#bursting || waiting >= EARLY_READINGS) return Number.NEGATIVE_INFINITY;
    const nextWindowAt = this.#lastBeganAt + windowMs;
    return waiting > SPARSE_READINGS ? nextWindowAt : Math.min(nextWindowAt, this.#spentUntil - savedMs);
  }

  #spend(): void {
    const { windowMs, savedMs = SAVED_MS, monotonicNow } = this.#parts;
    const now = monotonicNow();
    this.#lastBeganAt = now;
    // commits that could not wait leave no debt beyond what is saved
    this.#spentUntil = Math.min(Math.max(this.#spentUntil, now), now + savedMs) + windowMs;
  }

  #run(): void {
    if (this.#running || this.#waiting.length === 0) return;
    this.#running = this.#commit().finally(() => {
      this.#running = undefined;
      if (this.#waiting.length > 0 && !this.#stopping.signal.aborted) this.#schedule();
    });
  }

  async #commit(): Promise<void> {
    this.#bursting = this.#waiting.length >= EARLY_READINGS;
    const batch = this.#waiting.splice(0, BATCH_MAX);
    this.#spend();
    try {
      const seqs = await this.#write(batch.map(({ reading }) => reading));
      const stored: StoredReading[] = [];
      batch.forEach(({ reading: { deviceId, ts, data, stretch } }, index) => {
        const seq = seqs[index] as number;
        const unsure = stretch ? ({ clock: 'unsure' } as const) : {};
        if (seq > 0) stored.push({ _id: this.#parts.publicId(seq), data, deviceId, ts, ...unsure });
      });
      if (stored.length > 0) this.#parts.onCommit(stored);
      batch.forEach(({ resolve }, index) => {
        resolve((seqs[index] as number) > 0);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const resolve of this.#room.splice(0)) resolve();
    }
  }

  /** Tries until the disk takes the batch; gives up only when trying again cannot help, or when told to stop. */
  async #write(readings: QueuedReading[]): Promise<number[]> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const seqs = await this.#parts.writer.call('commit', readings);
        this.#parts.onCommitTime(this.#parts.monotonicNow() - this.#lastBeganAt);
        if (attempt > 0) this.#parts.onTrouble(undefined);
        return seqs;
      } catch (error) {
        if (!(error instanceof WriterError) || error.passing === undefined || this.#stopping.signal.aborted)
          throw error;
        this.#parts.onTrouble(error.passing);
        await pause(backoffMs(attempt, { minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS }), this.#stopping.signal);
      }
    }
  }
}
