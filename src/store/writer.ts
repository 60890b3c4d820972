/**
 * The main thread's end of the writer thread: typed calls, answered in order. A thread that ends by itself is a
 * fault of the program: every call that waits, and every later one, rejects, and `onFault` hears of it.
 */
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../model/error.ts';
import type {
  WriterCallName,
  WriterCalls,
  WriterData,
  WriterFailure,
  WriterGreeting,
  WriterReply,
} from './writer-messages.ts';

/** A call failed; `passing` tells whether and why it may succeed later. */
export class WriterError extends GatewayError {
  readonly passing: string | undefined;

  constructor(failure: WriterFailure) {
    super(failure.code, failure.message, { hint: failure.hint });
    this.passing = failure.passing;
  }
}

interface WriterParts extends WriterData {
  onFault: (error: GatewayError) => void;
  onDamage: (call: WriterCallName, error: GatewayError) => void;
}

interface Waiting {
  call: WriterCallName;
  resolve: (answer: never) => void;
  reject: (error: Error) => void;
}

export class Writer {
  readonly #data: WriterData;
  readonly #onFault: (error: GatewayError) => void;
  readonly #onDamage: (call: WriterCallName, error: GatewayError) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** `onDamage`: a call met a part of the store that is damaged; it rejects as well. */
  constructor({ onFault, onDamage, ...data }: WriterParts) {
    this.#data = data;
    this.#onFault = onFault;
    this.#onDamage = onDamage;
  }

  /** @returns the store's epoch @throws GatewayError storeCorrupt, storeNewer, storeFailed */
  async start(): Promise<{ epoch: string }> {
    const file = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: this.#data,
      // what the thread holds for long is small; a small nursery keeps the whole process small
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    const greeting = await greetingOf(worker).catch((cause: Error) => {
      throw new GatewayError('storeFailed', `the store's writer cannot be started: ${cause.message}`, {
        hint: 'see that gate may have more memory, and more open files (LimitNOFILE of the service, ulimit -n)',
        cause,
      });
    });
    if ('failure' in greeting) {
      await worker.terminate();
      throw new WriterError(greeting.failure);
    }
    worker.on('message', (reply: WriterReply) => this.#settle(reply));
    worker.on('error', (error) =>
      this.#fail(new GatewayError('storeFailed', `the writer thread failed: ${error}`, { cause: error })),
    );
    worker.on('exit', () => this.#fail(new GatewayError('storeFailed', 'the writer thread has ended')));
    this.#worker = worker;
    return greeting.ready;
  }

  /** @throws WriterError */
  call<K extends WriterCallName>(
    call: K,
    argument: WriterCalls[K]['argument'],
  ): Promise<WriterCalls[K]['answer']> {
    const worker = this.#worker;
    if (!worker) return Promise.reject(new GatewayError('storeFailed', 'the store is closed'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { call, resolve, reject });
      worker.postMessage({ id, call, argument });
    });
  }

  /** Waits for the calls made so far, then closes the file. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const closed = this.call('close', null);
    this.#worker = undefined;
    await closed.finally(() => worker.terminate());
  }

  #settle(reply: WriterReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (!('failure' in reply)) {
      waiting?.resolve(reply.answer as never);
      return;
    }
    const error = new WriterError(reply.failure);
    if (waiting && error.code === 'storeCorrupt') this.#onDamage(waiting.call, error);
    waiting?.reject(error);
  }

  #fail(error: GatewayError): void {
    if (!this.#worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#onFault(error);
  }
}

function greetingOf(worker: Worker): Promise<WriterGreeting> {
  return new Promise((resolve, reject) => {
    const ended = (code: number) =>
      reject(new GatewayError('storeFailed', `the writer thread ended with code ${code}`));
    worker.once('error', reject);
    worker.once('exit', ended);
    worker.once('message', (greeting: WriterGreeting) => {
      worker.off('error', reject);
      worker.off('exit', ended);
      resolve(greeting);
    });
  });
}
