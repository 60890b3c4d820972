/**
 * Who may publish now, on one connection: at most so many messages in any second, at most so many unacknowledged. What
 * is urgent (reports, answers to commands) goes before readings. What waits here is bounded by those who publish.
 */
export interface SendLimits {
  /** 0: no limit. */
  publishesPerSecond: number;
  /** Infinity: no limit. */
  unacknowledgedMax: number;
}

export interface SendGateParts extends SendLimits {
  monotonicNow: () => number;
}

const SECOND_MS = 1_000;

export class SendGate {
  readonly #parts: SendGateParts;
  readonly #urgent: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  /** When the last `publishesPerSecond` messages were sent, the next one takes the oldest one's place. */
  readonly #sentAtMs: Float64Array;
  #next = 0;
  #unacknowledged = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: SendGateParts) {
    this.#parts = parts;
    this.#sentAtMs = new Float64Array(parts.publishesPerSecond).fill(-Infinity);
  }

  /** Calls `send` as soon as it may; never after `close`. */
  submit(send: () => void, { isUrgent }: { isUrgent: boolean }): void {
    if (this.#closed) return;
    (isUrgent ? this.#urgent : this.#others).push(send);
    this.#release();
  }

  /** One message was acknowledged. */
  acknowledged(): void {
    this.#unacknowledged -= 1;
    this.#release();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#urgent.length = 0;
    this.#others.length = 0;
  }

  #release(): void {
    const { unacknowledgedMax, publishesPerSecond, monotonicNow } = this.#parts;
    while (!this.#closed && this.#unacknowledged < unacknowledgedMax) {
      const queue = this.#urgent.length > 0 ? this.#urgent : this.#others;
      if (queue.length === 0) return;
      if (publishesPerSecond > 0) {
        const now = monotonicNow();
        const waitMs = (this.#sentAtMs[this.#next] as number) + SECOND_MS - now;
        if (waitMs > 0) {
          this.#wait(waitMs);
          return;
        }
        this.#sentAtMs[this.#next] = now;
        this.#next = (this.#next + 1) % publishesPerSecond;
      }
      this.#unacknowledged += 1;
      queue.shift()?.();
    }
  }

  #wait(ms: number): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#release();
    }, Math.ceil(ms));
  }
}
