/**
 * Has the writer thread date readings anew, step by step, until all are. Commits have their turn between two steps. While
 * the disk is full or away it is tried again, with a growing pause.
 */
import type { ClockOffset, Redated } from '../../core/ports.ts';
import { backoffMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/deadline.ts';
import { type Writer, WriterError } from '../writer.ts';
import type { RedateStep } from '../writer-messages.ts';

const PAUSE_MS = 20;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;

export class Redating {
  readonly #writer: Pick<Writer, 'call'>;
  readonly #stopping = new AbortController();
  #done: Promise<unknown> = Promise.resolve();

  constructor(writer: Pick<Writer, 'call'>) {
    this.#writer = writer;
  }

  /** One after the other. @throws GatewayError storeFailed, also when it was stopped before the end */
  run(right: ClockOffset): Promise<Redated> {
    const run = this.#done.then(() => this.#run(right));
    this.#done = run.catch(() => undefined);
    return run;
  }

  /** The step under way is waited for. What is left is gone on with after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(right: ClockOffset): Promise<Redated> {
    const redated: Redated = { count: 0, estimated: 0 };
    let step = await this.#step(right);
    for (;;) {
      redated.count += step.moved;
      redated.estimated += step.estimated;
      if (!step.more) return redated;
      await pause(PAUSE_MS, this.#stopping.signal);
      step = await this.#step(null);
    }
  }

  async #step(right: ClockOffset | null): Promise<RedateStep> {
    const { signal } = this.#stopping;
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted)
        throw new WriterError({ code: 'storeFailed', message: 'the store is being closed' });
      try {
        return await this.#writer.call('redate', right);
      } catch (error) {
        if (!(error instanceof WriterError) || error.passing === undefined) throw error;
        await pause(backoffMs(attempt, { minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS }), signal);
      }
    }
  }
}
