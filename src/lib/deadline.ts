/**
 * Deadlines for what can hang. The timer never keeps the process alive by itself.
 */
export class DeadlineError extends Error {
  constructor(what: string, afterMs: number) {
    super(`${what} took longer than ${afterMs} ms`);
    this.name = 'DeadlineError';
  }
}

/** Settles as `promise` does, or rejects with `DeadlineError` after `ms`; `what` names the work in the message. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits `ms`, or less when `signal` aborts; never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
