/**
 * Which readings go to the cloud, under which number. They are kept as runs: from the reading `start` on, before
 * `until`, each has the number after the one before, the first of them `cloud`. So the readings themselves hold
 * nothing of it, a run goes on without a write, and a gateway without a cloud has none. Runs in the writer thread.
 */
import type { Database, Statement } from '../sqlite.ts';

interface Run {
  /** Number in the cloud of the run's first reading. */
  cloud: number;
  start: number;
  /** It is on disk, without an end. */
  saved: boolean;
}

export class RelayRuns {
  /** The run that the next reading goes on with. */
  #open: Run | undefined;
  /** Number that the next relayed reading gets. */
  #next = 1;
  readonly #add: Statement;

  /** @param relaying whether readings are relayed at all; where not, a run that is open ends with what is stored */
  constructor(database: Database, relaying: boolean) {
    this.#add = database.prepare('INSERT OR REPLACE INTO relay_run (cloud, start, until) VALUES (?, ?, ?)');
    const stored = Number(
      database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'reading'").get()?.['seq'] ?? 0,
    );
    const newest = database
      .prepare('SELECT cloud, start, until FROM relay_run ORDER BY cloud DESC LIMIT 1')
      .get();
    if (!newest) return;
    const [cloud, start] = [Number(newest['cloud']), Number(newest['start'])];
    const until = newest['until'] === null ? undefined : Number(newest['until']);
    this.#next = cloud + (until ?? stored + 1) - start;
    if (until !== undefined) return;
    if (relaying) this.#open = { cloud, start, saved: true };
    else this.#add.run(cloud, start, stored + 1);
  }

  /** The reading `seq` was stored; belongs into its transaction. */
  stored(seq: number, relayed: boolean): void {
    const open = this.#open;
    if (open && (!relayed || seq !== open.start + this.#next - open.cloud)) {
      this.#add.run(open.cloud, open.start, open.start + this.#next - open.cloud);
      this.#open = undefined;
    }
    if (!relayed) return;
    this.#open ??= { cloud: this.#next, start: seq, saved: false };
    this.#next += 1;
  }

  /** All readings of the transaction are stored; belongs into it. */
  finish(): void {
    const open = this.#open;
    if (!open || open.saved) return;
    this.#add.run(open.cloud, open.start, null);
    this.#open = { ...open, saved: true };
  }

  /** @returns what takes everything since back: the transaction was rolled back */
  mark(): () => void {
    const [open, next] = [this.#open, this.#next];
    return () => {
      this.#open = open;
      this.#next = next;
    };
  }
}
