/**
 * Readings from the moment an add-on reports them until gate has them on disk.
 *
 * A reading is kept until its PUBACK. It is sent in the order of reporting, at most `inFlightMax` (and
 * IN_FLIGHT_MAX_BYTES) unacknowledged at a time, and after a broken connection again from the oldest one on, with DUP.
 * The queue is bounded; past its bound the oldest reading is given up and counted.
 *
 * Readings carry a running number; number n lies in slot n mod capacity and travels under packet id 1 + n mod
 * READING_PACKET_IDS. What is kept spans far fewer numbers than there are packet ids, so a PUBACK leads back to its
 * reading by arithmetic alone, and one for a reading given up meanwhile leads nowhere.
 */
import { UNACKNOWLEDGED_MAX } from '../../../src/contract/limits.ts';

/** Packet ids 1 … READING_PACKET_IDS are readings'; those above are everything else's. */
export const READING_PACKET_IDS = 60_000;
/** Text of readings that is sent and not acknowledged, in characters. */
export const IN_FLIGHT_MAX_CHARS = 1024 * 1024;
/** Text of readings that is kept in memory, in characters. */
export const KEPT_MAX_CHARS = 32 * 1024 * 1024;

export interface OutgoingReading {
  packetId: number;
  topic: string;
  payload: string;
  dup: boolean;
}

export interface ReadingQueueOptions {
  /** Hands a reading to the connection. Called only between `open` and `close`. */
  send: (reading: OutgoingReading) => void;
  /** The oldest reading was given up. */
  onDropped: () => void;
  capacity?: number;
  inFlightMax?: number;
}

interface Slot {
  topic: string;
  payload: string;
}

export class ReadingQueue {
  readonly #options: Required<ReadingQueueOptions>;
  readonly #slots: (Slot | undefined)[] = [];
  #open = false;
  /** Oldest reading kept, next to be sent, next to be reported. head ≤ next ≤ tail. */
  #head = 0;
  #next = 0;
  #tail = 0;
  /** Below it a reading has been sent on an earlier connection. */
  #sentBefore = 0;
  #inFlight = 0;
  #inFlightChars = 0;
  #kept = 0;
  #keptChars = 0;
  readonly #waiting: { below: number; resolve: () => void }[] = [];

  constructor(options: ReadingQueueOptions) {
    this.#options = { capacity: UNACKNOWLEDGED_MAX, inFlightMax: 1_000, ...options };
  }

  /** Readings that are not acknowledged yet. */
  get unacknowledged(): number {
    return this.#kept;
  }

  /** Takes a reading and sends it as soon as the window lets it. */
  push(topic: string, payload: string): void {
    const { capacity } = this.#options;
    while (
      this.#tail - this.#head >= capacity ||
      (this.#kept > 0 && this.#keptChars + payload.length > KEPT_MAX_CHARS)
    ) {
      this.#dropOldest();
    }
    this.#slots[this.#tail % capacity] = { topic, payload };
    this.#tail += 1;
    this.#kept += 1;
    this.#keptChars += payload.length;
    if (this.#open) this.#pump();
  }

  /** A connection stands: sends what is kept, from the oldest on. */
  open(): void {
    this.#open = true;
    this.#pump();
  }

  /** The connection broke: what was sent on it and not acknowledged will be sent again. */
  close(): void {
    this.#open = false;
    this.#sentBefore = Math.max(this.#sentBefore, this.#next);
    this.#next = this.#head;
    this.#inFlight = 0;
    this.#inFlightChars = 0;
  }

  /** gate has the reading that travelled under `packetId` on disk. */
  acknowledge(packetId: number): void {
    const first = this.#head % READING_PACKET_IDS;
    const number = this.#head + ((packetId - 1 - first + READING_PACKET_IDS) % READING_PACKET_IDS);
    if (number >= this.#next) return;
    const slot = this.#slots[number % this.#options.capacity];
    if (!slot) return;
    this.#forget(number, slot);
    this.#skipForgotten();
    if (this.#waiting.length > 0) this.#wake();
    if (this.#open) this.#pump();
  }

  /** Resolves once fewer than `count` readings are unacknowledged. */
  below(count: number): Promise<void> {
    if (this.#kept < count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ below: count, resolve }));
  }

  #pump(): void {
    const { capacity, inFlightMax, send } = this.#options;
    while (this.#open && this.#next < this.#tail) {
      if (this.#inFlight >= inFlightMax) return;
      const slot = this.#slots[this.#next % capacity];
      if (slot) {
        if (this.#inFlight > 0 && this.#inFlightChars + slot.payload.length > IN_FLIGHT_MAX_CHARS) return;
        this.#inFlight += 1;
        this.#inFlightChars += slot.payload.length;
        send({
          packetId: 1 + (this.#next % READING_PACKET_IDS),
          topic: slot.topic,
          payload: slot.payload,
          dup: this.#next < this.#sentBefore,
        });
      }
      this.#next += 1;
    }
  }

  #dropOldest(): void {
    const slot = this.#slots[this.#head % this.#options.capacity];
    if (slot) {
      this.#forget(this.#head, slot);
      this.#options.onDropped();
    }
    this.#head += 1;
    if (this.#next < this.#head) this.#next = this.#head;
    this.#skipForgotten();
  }

  #forget(number: number, slot: Slot): void {
    this.#slots[number % this.#options.capacity] = undefined;
    this.#kept -= 1;
    this.#keptChars -= slot.payload.length;
    if (number >= this.#next) return;
    this.#inFlight -= 1;
    this.#inFlightChars -= slot.payload.length;
  }

  #skipForgotten(): void {
    while (this.#head < this.#next && !this.#slots[this.#head % this.#options.capacity]) this.#head += 1;
  }

  #wake(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const waiter = this.#waiting[index];
      if (!waiter || this.#kept >= waiter.below) continue;
      this.#waiting.splice(index, 1);
      waiter.resolve();
    }
  }
}
