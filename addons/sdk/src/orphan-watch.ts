/**
 * Decides when an add-on has no gateway any more: a child process that has had no connection for ORPHAN_EXIT_MS, any
 * add-on whose login stays refused for that long.
 */
import { ORPHAN_EXIT_MS } from '../../../src/contract/limits.ts';
import type { Clock } from './clock.ts';

/** The end of an orphan is decided so much earlier, that it is over when its time is. */
const ORPHAN_MARGIN_MS = 1_000;
const PATIENCE_MS = ORPHAN_EXIT_MS - ORPHAN_MARGIN_MS;

export interface OrphanWatchParts {
  clock: Clock;
  /** gate started this process, and nobody else will: GATE_STDIN_LIFELINE. */
  isChild: boolean;
  /** It is to end, for this reason. */
  onOrphaned: (reason: string) => void;
}

export class OrphanWatch {
  readonly #parts: OrphanWatchParts;
  #cancelTimer: (() => void) | undefined;
  #refusedSince: number | undefined;

  constructor(parts: OrphanWatchParts) {
    this.#parts = parts;
  }

  /** The add-on begins to connect. */
  start(): void {
    const { isChild, clock, onOrphaned } = this.#parts;
    if (!isChild || this.#cancelTimer) return;
    this.#cancelTimer = clock.after(PATIENCE_MS, () => onOrphaned('no connection to gate for too long'));
  }

  connected(): void {
    this.#refusedSince = undefined;
    this.stop();
  }

  /** A connection ended, or did not come about; `refused` by a gateway that is there. */
  disconnected(refused: boolean): void {
    const { clock, onOrphaned } = this.#parts;
    this.start();
    if (!refused) this.#refusedSince = undefined;
    else if (this.#refusedSince === undefined) this.#refusedSince = clock.uptime();
    else if (clock.uptime() - this.#refusedSince >= PATIENCE_MS) onOrphaned('gate keeps refusing the login');
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
