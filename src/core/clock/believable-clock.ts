/**
 * Whether the clock of the box can be right, and by which clock a reading was measured. A box without a battery for its
 * clock begins anywhere, often in 1970 or where it was switched off, until somebody tells it the time.
 *
 * At the start the clock is believed when it is past the time at which gate was made, and past what was stored last.
 * Where it is not, it is unsure until it is set to a time that is, until the cloud has connected (certificates on both
 * sides were looked at, and their dates were well), or the system says that it has the time from the network. Readings
 * get a mark until then, and are dated anew: the time since the box was started tells by how much the clock was wrong.
 */
import type { Dispose } from '../../lib/event-bus.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ClockStretch, NewReading } from '../../model/reading.ts';
import type { GatewayEventBus } from '../events.ts';
import type { Health } from '../health.ts';
import type { ClockOffset, ClockRecord, ClockStore } from '../ports.ts';
import { BoxClock, SET_MS } from './box-clock.ts';
import { isOf, movedBy, PastClocks } from './past-clocks.ts';

/** Its line in `/health/ready`, while the clock cannot be right. */
export const CLOCK_PART = 'clock';
/** No gate was built before. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const LOOK_EVERY_MS = 1_000;
/** What was stored last counts where it is no further than this past what the clock said: else its own time is wrong. */
const NOTED_WITHIN_MS = 120_000;
const NOTE_EVERY_MS = 60_000;
/** A clock that has run past what was stored last by itself is believed when nobody has set it for so long. */
const RAN_PAST_MS = 3_600_000;
/** The cloud has connected although the clock is behind what was stored last: most likely it is about to be set. */
const PATIENCE_MS = 30_000;
/** A leap forward by more than this may be a mistake: nothing is deleted for its age by it before as much time is over. */
const LEAP_MS = 86_400_000;

/** `builtAt`: when this gate was made; a clock that is behind that is wrong. Milliseconds since 1970. */
export function isBelievable(now: number, builtAt: number): boolean {
  return now >= Math.max(EARLIEST_MS, builtAt);
}

export interface BelievableClockParts {
  health: Health;
  events: GatewayEventBus;
  logger: Pick<Logger, 'warn'>;
  store: ClockStore;
  builtAt: number;
  bootId: string;
  /** Since the box was started. */
  bootTimeMs: () => number;
  /** The system says that it has its time from the network. */
  hasNetworkTime: () => boolean;
  now: () => number;
  monotonicNow: () => number;
  lookEveryMs?: number;
  patienceMs?: number;
}

export class BelievableClock {
  readonly #parts: BelievableClockParts;
  readonly #clock: BoxClock;
  readonly #past = new PastClocks();
  /** The offset of the right clock in this run of the box, once that is known. */
  #rightMs: number | undefined;
  /** The mark of readings, while the right clock is not known. */
  #stretch: ClockStretch | undefined;
  #unsureSince = 0;
  #lastK = 0;
  /** What is before this cannot be now. */
  #floorMs = 0;
  #notedAt = Number.NEGATIVE_INFINITY;
  /** All that was unsure has been dated anew. */
  #isSettled = false;
  /** By what readings grew old when the store was closed; 0 once the clock was believed, or where it is not known. */
  #agedMs = 0;
  /** Readings grow old by the clock from before a leap, for a while. */
  #leap: { offsetMs: number; until: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  #dispose: Dispose | undefined;

  constructor(parts: BelievableClockParts) {
    this.#parts = parts;
    this.#clock = new BoxClock(parts);
  }

  /** After the store was opened, and before anything is stored. */
  start(): void {
    const { events, store, now, builtAt, bootId, lookEveryMs = LOOK_EVERY_MS } = this.#parts;
    const record = store.clockRecord();
    this.#floorMs = Math.max(EARLIEST_MS, builtAt, lastSeen(record));
    if (record.right) this.#agedMs = record.right.agesMs ?? lastSeen(record);
    this.#lastK = record.stretches.at(-1)?.k ?? 0;
    const ours = record.stretches.filter(({ boot }) => boot === bootId);
    for (const stretch of ours) this.#past.add(stretch, now());
    const before = ours.findLast((stretch) => stretch.shiftMs === undefined && this.#isSame(stretch));
    const wasRight = record.right !== undefined && this.#isSame(record.right);
    if (wasRight || (!before && now() >= this.#floorMs)) this.#believe();
    else this.#doubt(before);
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
    this.#dispose = events.on('cloudLinkChanged', ({ connected }) => {
      if (connected) this.#onCloud();
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#patience);
    this.#dispose?.();
  }

  /** A reading as it is to be stored: marked where the clock cannot be right, and dated right where that is known. */
  placed(reading: NewReading): NewReading {
    if (!this.#isRight && this.#clock.seemsSet) this.#look();
    if (!this.#isRight && isOf(this.#clock, reading.ts, this.#parts.now())) {
      if (this.#rightMs !== undefined) return movedBy(reading, this.#rightMs - this.#clock.offsetMs);
      return { ...reading, stretch: this.#stretch };
    }
    return this.#past.any ? this.#past.placed(reading, this.#rightMs) : reading;
  }

  /** The time by which readings are too old; 0 while that is not known for sure. */
  retentionNow(): number {
    if (this.#rightMs === undefined || !this.#isSettled) return 0;
    const uptime = this.#parts.bootTimeMs();
    if (this.#leap && uptime >= this.#leap.until) this.#leap = undefined;
    return uptime + (this.#leap?.offsetMs ?? this.#rightMs);
  }

  get #isRight(): boolean {
    return this.#rightMs === this.#clock.offsetMs;
  }

  #look(): void {
    const byMs = this.#clock.look();
    if (byMs !== 0) this.#set(byMs);
    else if (this.#rightMs === undefined) this.#reconsider();
    if (this.#isRight) this.#note();
  }

  /** Somebody has set it. */
  #set(byMs: number): void {
    const { events, builtAt, bootTimeMs, now } = this.#parts;
    const before = this.#rightMs;
    const from = this.#clock.offsetMs;
    if (!this.#isRight) this.#leave();
    this.#clock.accept(byMs);
    if (before === undefined) {
      if (now() >= this.#floorMs) this.#believe();
      else this.#doubt();
    } else if (isBelievable(now(), builtAt)) {
      // it was right, and was set: backward too, to what it is now
      if (before === from && byMs > LEAP_MS) this.#leap = { offsetMs: before, until: bootTimeMs() + LEAP_MS };
      this.#believe();
    } else this.#goOnWithout();
    events.emit('clockSet', { byMs, isRight: this.#isRight });
  }

  /** Nobody has set it, but time has gone by, or the system knows better. */
  #reconsider(): void {
    const { now, builtAt, bootTimeMs, hasNetworkTime } = this.#parts;
    if (!isBelievable(now(), builtAt)) return;
    const ranPast = now() >= this.#floorMs && bootTimeMs() - this.#unsureSince >= RAN_PAST_MS;
    if (ranPast || hasNetworkTime()) this.#believe();
  }

  #onCloud(): void {
    const { now, patienceMs = PATIENCE_MS } = this.#parts;
    this.#look();
    this.#leap = undefined;
    this.#agedMs = 0;
    // what is right is known already, whatever it was set to since
    if (this.#rightMs !== undefined) {
      if (this.#isRight) this.#noteNow();
      return;
    }
    if (now() >= this.#floorMs) this.#believe();
    else
      this.#patience ??= setTimeout(() => {
        this.#look();
        if (!this.#isRight) this.#believe();
      }, patienceMs);
  }

  #believe(): void {
    const { health, events, store, bootId, logger, now } = this.#parts;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#stretch) this.#leave();
    this.#rightMs = this.#clock.offsetMs;
    this.#floorMs = Math.min(this.#floorMs, now());
    this.#leapSinceClosed();
    this.#noteNow();
    if (health.part(CLOCK_PART)) health.report(CLOCK_PART, 'running');
    const right: ClockOffset = { boot: bootId, offsetMs: this.#rightMs };
    this.#isSettled = false;
    store.redate(right).then(
      (redated) => {
        this.#isSettled = true;
        if (redated.count > 0) events.emit('readingsRedated', redated);
      },
      (error: unknown) => logger.warn({ err: error }, 'readings of an unsure time were not dated anew'),
    );
  }

  /** @param stretch what it was marked with before the daemon was started anew */
  #doubt(stretch?: ClockStretch): void {
    const { health, bootId, bootTimeMs } = this.#parts;
    if (!stretch) this.#lastK += 1;
    const { k, offsetMs } = stretch ?? { k: this.#lastK, offsetMs: this.#clock.offsetMs };
    this.#stretch = { k, boot: bootId, offsetMs };
    this.#unsureSince = bootTimeMs();
    const reason = `the clock of this box has no time yet: it said ${this.#says()}. What is measured until it has is marked, and dated anew then`;
    health.report(CLOCK_PART, 'degraded', reason);
  }

  /** It was right before it was set to what cannot be: how long the box has run tells the time. */
  #goOnWithout(): void {
    const reason = `the clock of this box was set to ${this.#says()}, which cannot be: readings are dated by what it said before`;
    this.#parts.health.report(CLOCK_PART, 'degraded', reason);
  }

  /** The clock as it was is no more. */
  #leave(): void {
    const stretch = this.#stretch ?? { k: 0, boot: this.#parts.bootId, offsetMs: this.#clock.offsetMs };
    this.#past.add(stretch, this.#clock.unsetMs);
    this.#stretch = undefined;
  }

  /** What was stored last is days behind: the box was off for so long, or its clock is wrong; nobody knows which. */
  #leapSinceClosed(): void {
    const { bootTimeMs, now } = this.#parts;
    const agedMs = this.#agedMs;
    this.#agedMs = 0;
    if (agedMs === 0 || this.#leap || now() - agedMs <= LEAP_MS) return;
    const uptime = bootTimeMs();
    this.#leap = { offsetMs: agedMs - uptime, until: uptime + LEAP_MS };
  }

  #noteNow(): void {
    this.#notedAt = Number.NEGATIVE_INFINITY;
    this.#note();
  }

  #note(): void {
    const { store, bootId, bootTimeMs, now } = this.#parts;
    const uptime = bootTimeMs();
    if (uptime - this.#notedAt < NOTE_EVERY_MS) return;
    this.#notedAt = uptime;
    const leap = this.#leap && uptime < this.#leap.until ? { agesMs: uptime + this.#leap.offsetMs } : {};
    store.noteClock({ boot: bootId, offsetMs: this.#clock.offsetMs, seenMs: now(), ...leap });
  }

  /** In this run of the box, and set as it is now. */
  #isSame({ boot, offsetMs }: ClockOffset): boolean {
    return boot === this.#parts.bootId && Math.abs(offsetMs - this.#clock.offsetMs) <= SET_MS;
  }

  #says(): string {
    return new Date(this.#parts.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

/** What the clock said when it was right, or when a reading was stored after that. */
function lastSeen({ right, latestMs }: ClockRecord): number {
  if (!right) return median(latestMs);
  const credible = latestMs.filter((ts) => ts <= right.seenMs + NOTED_WITHIN_MS);
  return Math.max(right.seenMs, median(credible));
}

/** A few devices may have a clock of their own, and a wrong one. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
