/**
 * What is counted while the gateway runs, for whoever watches it (`/metrics`). Kept in plain numbers and computed into
 * nothing before it is asked for. A restart begins it anew.
 */
import { Distribution, Tally } from '../lib/tally.ts';

const COMMIT_BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface FiguresParts {
  /** Bytes on disk of what must survive. */
  storeBytes: () => Promise<number>;
  retention: { maxAgeSeconds: number; maxBytes: number };
  /** What the cloud has not got yet, and when the oldest of it was measured, in milliseconds since 1970. */
  backlog?: () => { readings: number; sinceMs?: number };
}

export class Figures {
  /** Readings by add-on: stored, delivered again, and not as the contract has them. */
  readonly recorded = new Tally();
  readonly repeated = new Tally();
  readonly refused = new Tally();
  /** Calls of webhooks: `stored`, `refused` (what was sent is no reading), `wrongToken`. */
  readonly webhooks = new Tally();
  /** Readings that retention deleted, by `age` and `size`. */
  readonly dropped = new Tally();
  /** Of these, what the cloud had not got, by the same reasons. */
  readonly notRelayed = new Tally();
  /** Readings that the cloud has acknowledged, by flow: `live` and `backlog`. */
  readonly relayed = new Tally();
  /** Seconds from the begin of a commit until it is on disk. */
  readonly commitSeconds = new Distribution(COMMIT_BOUNDS_SECONDS);
  readonly #parts: FiguresParts;

  constructor(parts: FiguresParts) {
    this.#parts = parts;
  }

  get retention(): FiguresParts['retention'] {
    return this.#parts.retention;
  }

  backlog(): { readings: number; sinceMs?: number } {
    return this.#parts.backlog?.() ?? { readings: 0 };
  }

  storeBytes(): Promise<number> {
    return this.#parts.storeBytes();
  }
}
