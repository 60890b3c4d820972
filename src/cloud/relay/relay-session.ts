/**
 * What one connection sends: two flows, each in the order of numbers. Live readings go one by one as they are stored;
 * what was stored before, and what came faster than the connection takes it, goes beside them in lists. Each flow has
 * a bounded window of messages that are not acknowledged; what comes next is read from the store when there is room.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { RelayStore } from '../../core/ports.ts';
import type { RelayItem } from '../../model/relay.ts';
import type { CloudPublisher } from '../publisher.ts';
import type { PendingRanges } from './pending-ranges.ts';
import type { RelayLimits } from './relay-limits.ts';
import { listMessage, liveMessage, numbersIn, type RelayMessage } from './relay-message.ts';

/** Live readings that may be unacknowledged: at 100 publishes a second the last of them waits 0.4 s. */
export const LIVE_WINDOW = 40;
/** Lists that may be unacknowledged: some 256 KiB, and little for a live reading to wait behind. */
export const BACKLOG_WINDOW = 8;
/** Live readings that find no room for so long go with the backlog. */
export const LIVE_PATIENCE_MS = 300;
/** So many ranges of numbers are kept apart; past it live readings wait in place of leaving another gap. */
const RANGES_MAX = 256;
/** Least wait for the rate of the backlog: shorter ones are not worth a timer. */
const WAIT_MIN_MS = 5;

export type Flow = 'live' | 'backlog';

export interface Acknowledged {
  flow: Flow;
  ranges: readonly { first: number; last: number }[];
  readings: number;
  dropped: number;
}

export interface RelaySessionParts {
  store: RelayStore;
  publisher: CloudPublisher;
  limits: RelayLimits;
  /** `data/P/G`: where lists go. */
  listTopic: string;
  /** Where a device's live readings go. */
  topicOf: (deviceId: string) => string;
  /** What was not acknowledged when the connection was made. */
  pending: PendingRanges;
  onAcknowledged: (what: Acknowledged) => void;
  /** A message was not taken, or not read, although the connection had not been said to be over. */
  onRefused: (error: unknown) => void;
  monotonicNow: () => number;
}

export class RelaySession {
  readonly #parts: RelaySessionParts;
  /** What the backlog has still to send. */
  readonly #backlog: PendingRanges;
  /** The next number that goes live. */
  #live: number;
  readonly #inFlight: Record<Flow, number> = { live: 0, backlog: 0 };
  #laggingSince: number | undefined;
  #isDraining = false;
  /** When the backlog may send again, to keep its rate. */
  #backlogFrom = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(parts: RelaySessionParts) {
    this.#parts = parts;
    const head = parts.store.relayHead();
    this.#backlog = parts.pending.upTo(head);
    this.#live = head + 1;
  }

  /** Sends what there is room for: to be called at the begin, and when something was stored. */
  advance(): void {
    if (this.#isOver) return;
    try {
      this.#sendLive();
    } catch (error) {
      this.#parts.onRefused(error);
    }
    this.#sendBacklog().catch((error: unknown) => {
      if (!this.#isOver) this.#parts.onRefused(error);
    });
  }

  /** Nothing more is sent. What is under way may still be acknowledged. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #sendLive(): void {
    const { store } = this.#parts;
    const head = store.relayHead();
    const room = LIVE_WINDOW - this.#inFlight.live;
    if (this.#live <= head && room > 0) {
      for (const item of store.relayItems(this.#live, Math.min(head, this.#live + room - 1)))
        this.#sendOne(item);
    }
    if (this.#live > head) this.#laggingSince = undefined;
    else this.#giveWay(head);
  }

  #sendOne(item: RelayItem): void {
    const range = numbersIn(item);
    this.#live = range.last + 1;
    const { limits, listTopic, topicOf } = this.#parts;
    const single = liveMessage(item, limits.messageBytes);
    const message = single ?? listMessage([item], limits);
    if (!message) return;
    const topic = single && 'deviceId' in item ? topicOf(item.deviceId) : listTopic;
    void this.#publish('live', topic, message, [range]);
  }

  /** Live readings that wait too long go with the backlog: those after them are live again. */
  #giveWay(head: number): void {
    const now = this.#parts.monotonicNow();
    this.#laggingSince ??= now;
    if (now - this.#laggingSince < LIVE_PATIENCE_MS || this.#backlog.size >= RANGES_MAX) return;
    this.#backlog.append({ first: this.#live, last: head });
    this.#live = head + 1;
    this.#laggingSince = undefined;
  }

  async #sendBacklog(): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (!this.#isOver && this.#backlog.size > 0 && this.#inFlight.backlog < BACKLOG_WINDOW) {
      const waitMs = this.#backlogFrom - this.#parts.monotonicNow();
      if (waitMs > WAIT_MIN_MS) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.advance();
        }, waitMs);
        break;
      }
      this.#sendList();
      // live readings, and everybody else, have their turn between two lists
      await turn();
    }
    this.#isDraining = false;
  }

  #sendList(): void {
    const { limits, listTopic, monotonicNow } = this.#parts;
    const message = listMessage(this.#backlogItems(), limits);
    if (!message) return;
    const ranges = this.#backlog.upTo(message.last).list() as { first: number; last: number }[];
    for (const range of ranges) this.#backlog.remove(range);
    if (limits.backlogBytesPerSecond > 0) {
      const takesMs = (message.bytes / limits.backlogBytesPerSecond) * 1_000;
      this.#backlogFrom = Math.max(this.#backlogFrom, monotonicNow()) + takesMs;
    }
    void this.#publish('backlog', listTopic, message, ranges);
  }

  *#backlogItems(): Generator<RelayItem> {
    for (const { first, last = first } of this.#backlog.list())
      yield* this.#parts.store.relayItems(first, last);
  }

  async #publish(
    flow: Flow,
    topic: string,
    { payload, readings, dropped }: RelayMessage,
    ranges: readonly { first: number; last: number }[],
  ): Promise<void> {
    this.#inFlight[flow] += 1;
    try {
      await this.#parts.publisher.publish(topic, payload);
    } catch (error) {
      if (!this.#isOver) this.#parts.onRefused(error);
      return;
    }
    this.#inFlight[flow] -= 1;
    this.#parts.onAcknowledged({ flow, ranges, readings, dropped });
    this.advance();
  }
}
