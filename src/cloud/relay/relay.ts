/**
 * The relay: what is stored goes to the cloud, in order, at least once. It reads the store by number and keeps nothing
 * in memory but which numbers are not acknowledged; those it notes in the store. After a crash what was acknowledged
 * and not yet noted goes a second time, under the same id.
 */
import type { RelayStore } from '../../core/ports.ts';
import { backoffMs } from '../../lib/backoff.ts';
import { GatewayError } from '../../model/error.ts';
import type { CloudPublisher, CloudRelay } from '../publisher.ts';
import { PendingRanges } from './pending-ranges.ts';
import type { RelayLimits } from './relay-limits.ts';
import { type Acknowledged, RelaySession } from './relay-session.ts';

/** What was acknowledged is noted so often. */
const NOTE_EVERY_MS = 200;
/** Waits after a message that the link did not take although it was up. */
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** A refusal is told for so long: longer than until the next one, where it goes on. */
const REFUSAL_TOLD_MS = 90_000;

export interface RelayParts {
  store: RelayStore;
  limits: RelayLimits;
  /** `[<NODE_ENV>-]data/<PROJECT_ID>/<clientId>` */
  listTopic: string;
  /** Where a device's live readings go: its own topic, or one below `listTopic`. */
  topicOf: (deviceId: string) => string;
  /** For figures: what was acknowledged. */
  onRelayed?: (what: Pick<Acknowledged, 'flow' | 'readings' | 'dropped'>) => void;
  /** Something was not taken; it is tried again. */
  onTrouble: (error: unknown) => void;
  monotonicNow: () => number;
}

export class Relay implements CloudRelay {
  readonly #parts: RelayParts;
  #pending = new PendingRanges();
  #session: RelaySession | undefined;
  #refusals = 0;
  #refusal: { words: string; atMs: number } | undefined;
  #isAdvancing: NodeJS.Immediate | undefined;
  #noting: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#pending = new PendingRanges(this.#parts.store.relayPending());
  }

  /** What is under way is not waited for: it goes again after the next start. */
  stop(): void {
    this.#isStopped = true;
    this.linkDown();
    clearImmediate(this.#isAdvancing);
    if (this.#noting) this.#note();
  }

  linkUp(publisher: CloudPublisher): void {
    this.#refusal = undefined;
    this.#begin(publisher);
  }

  #begin(publisher: CloudPublisher): void {
    this.linkDown();
    const { store, limits, listTopic, topicOf, monotonicNow } = this.#parts;
    const session = new RelaySession({
      store,
      publisher,
      limits,
      listTopic,
      topicOf,
      monotonicNow,
      pending: this.#pending,
      onAcknowledged: (what) => this.#acknowledged(what),
      onRefused: (error) => this.#refused(session, publisher, error),
    });
    this.#session = session;
    session.advance();
  }

  linkDown(): void {
    clearTimeout(this.#retry);
    this.#session?.end();
    this.#session = undefined;
  }

  /** Readings were stored. They are acknowledged to their add-on first. */
  readingsStored(): void {
    if (!this.#session) return;
    this.#isAdvancing ??= setImmediate(() => {
      this.#isAdvancing = undefined;
      this.#session?.advance();
    });
  }

  backlog(): { readings: number; sinceMs?: number; refused?: string } {
    if (this.#noting) this.#note();
    const { words, atMs = -Infinity } = this.#refusal ?? {};
    const isLate = this.#parts.monotonicNow() - atMs > REFUSAL_TOLD_MS;
    return {
      ...this.#parts.store.relayBacklog(),
      ...(words === undefined || isLate ? {} : { refused: words }),
    };
  }

  #acknowledged({ ranges, ...what }: Acknowledged): void {
    this.#refusals = 0;
    // the store may be closed by now
    if (this.#isStopped) return;
    for (const range of ranges) this.#pending.remove(range);
    this.#parts.onRelayed?.(what);
    this.#noting ??= setTimeout(() => this.#note(), NOTE_EVERY_MS);
  }

  #note(): void {
    clearTimeout(this.#noting);
    this.#noting = undefined;
    this.#parts.store.noteRelayed(this.#pending.list());
  }

  /** The flows begin anew: what was refused is the first that goes again. */
  #refused(session: RelaySession, publisher: CloudPublisher, error: unknown): void {
    if (session !== this.#session) return;
    this.linkDown();
    this.#parts.onTrouble(error);
    if (error instanceof GatewayError && error.code !== 'cloudGone')
      this.#refusal = { words: error.message, atMs: this.#parts.monotonicNow() };
    const waitMs = backoffMs(this.#refusals, { minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS });
    this.#refusals += 1;
    this.#retry = setTimeout(() => this.#begin(publisher), waitMs);
  }
}
