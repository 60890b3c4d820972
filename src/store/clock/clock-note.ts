/**
 * The clock when it was right for the last time, on disk: written with a commit of readings that comes anyway. So it is
 * no later than the last stored reading, and no fsync is spent on it. Runs in the writer thread.
 */

import type { Database, Statement } from '../sqlite.ts';
import type { RightClock } from '../writer-messages.ts';
import { CLOCK_KEY } from './clock-tables.ts';

export class ClockNote {
  readonly #save: Statement;
  #noted: RightClock | undefined;

  constructor(database: Database) {
    this.#save = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
  }

  note(right: RightClock): void {
    this.#noted = right;
  }

  /** Belongs into a transaction. @returns what to call when that was committed */
  write(): () => void {
    const noted = this.#noted;
    if (!noted) return () => undefined;
    this.#save.run(CLOCK_KEY, JSON.stringify(noted));
    return () => {
      if (this.#noted === noted) this.#noted = undefined;
    };
  }
}
