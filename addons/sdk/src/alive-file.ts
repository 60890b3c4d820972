/**
 * A file whose time says when this program last had a turn: what the health check of a container image looks at
 * (`GATE_ALIVE_FILE`), without a second program that would need memory of its own.
 */
import { closeSync, futimesSync, openSync } from 'node:fs';

/** Well within the minute after which a health check counts the program as hung. */
const TOUCH_MS = 10_000;

/** Touches `path` now and from now on; does not keep the program alive. Where it cannot, the health check says so. */
export function keepAliveFile(path: string): void {
  const touch = () => {
    try {
      const file = openSync(path, 'a', 0o600);
      const now = Date.now() / 1_000;
      futimesSync(file, now, now);
      closeSync(file);
    } catch {
      // a file system that is read only, or full
    }
  };
  touch();
  setInterval(touch, TOUCH_MS).unref();
}
