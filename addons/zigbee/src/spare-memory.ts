/**
 * Gives back the memory that loading has left behind. Reading the library's 13 tables of clusters, and each maker's file of
 * definitions, makes some 10 MB of objects that nobody needs a moment later. V8 keeps their pages for objects to come; in an
 * add-on that has loaded what it needs hardly any come. One thorough collection, of some 50 ms, when it has become quiet.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AddonLog, Clock } from '@gate/addon-sdk';

/** After the last thing was loaded. */
const QUIET_MS = 5_000;

/** Node's own when it is started with --expose-gc: `last-resort` also gives free pages back. */
type Collect = (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

export class SpareMemory {
  readonly #clock: Clock;
  readonly #log: AddonLog;
  #cancel: (() => void) | undefined;

  constructor({ clock, log }: { clock: Clock; log: AddonLog }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Something large was loaded just now. */
  loaded(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(QUIET_MS, () => this.#giveBack());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #giveBack(): void {
    this.#cancel = undefined;
    try {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as Collect;
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    } catch (error) {
      // a Node that does not have it keeps its memory
      this.#log.info(`no memory was given back: ${(error as Error).message}`);
    }
  }
}
