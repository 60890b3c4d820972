/**
 * The clock of a box as a test sets it, also while programs run: by libfaketime, which stands before the C library's own
 * calls. Time that nobody can set (since the start of the box, of the program) stays what it is.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonToSkip } from '../../scripts/peers/peers.ts';

const LIBRARIES = '/usr/lib';

function libraryPath(): string | undefined {
  return readdirSync(LIBRARIES)
    .map((name) => join(LIBRARIES, name, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}

export class BoxClock {
  readonly #file: string;
  #offsetMs = 0;

  /** @param file where it is kept what the clock says */
  constructor(file: string) {
    this.#file = file;
    this.set(Date.now());
  }

  static reasonToSkip(): string | undefined {
    return reasonToSkip('faketime') ?? (libraryPath() ? undefined : 'its libfaketime is not there');
  }

  /** Milliseconds since 1970, as every program of the box has it. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** From now on; running programs see it within a second. */
  set(now: number): void {
    const seconds = Math.round((now - Date.now()) / 1_000);
    this.#offsetMs = seconds * 1_000;
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  }

  /** For a program of the box. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: libraryPath() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }
}
