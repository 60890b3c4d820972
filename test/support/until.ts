/** Waits for something to become so, with a deadline that names it. */
import { setTimeout as pause } from 'node:timers/promises';

export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 20_000,
): Promise<T> {
  const endsAt = performance.now() + deadlineMs;
  let lastError: unknown;
  while (performance.now() < endsAt) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      lastError = error;
    }
    await pause(20);
  }
  throw new Error(`${what}: not so within ${deadlineMs} ms`, { cause: lastError });
}
