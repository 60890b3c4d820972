/**
 * Runs tasks one at a time, in the order they were given. Bounded: past `limit` waiting tasks `run`
 * refuses with `QueueFullError`, so that a caller learns at once instead of waiting for ever.
 */
export class QueueFullError extends Error {
  constructor(limit: number) {
    super(`${limit} tasks are already waiting`);
    this.name = 'QueueFullError';
  }
}

export class SerialQueue {
  readonly #limit: number;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** Resolves or rejects as `task` does, once all earlier tasks have ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#limit) return Promise.reject(new QueueFullError(this.#limit));
    this.#waiting += 1;
    const result = this.#tail.then(task).finally(() => {
      this.#waiting -= 1;
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when every task given so far has ended. */
  async drained(): Promise<void> {
    await this.#tail;
  }
}
