/**
 * Calls that a caller may repeat under a key of its own: the first one is carried out, a repeat gets its outcome. What
 * was done, or may have been done (no answer in time, the gateway restarted meanwhile), is not done again; what surely
 * was not (refused, add-on away) is forgotten, so that a repeat tries anew.
 *
 * A key is written when its call is about to be carried out, so a restart in between does not carry it out twice.
 * Bounded in number and age. While the disk takes no writes, keys are remembered in memory alone, and that is told.
 */
import { createHash } from 'node:crypto';
import { GatewayError, type Reason, reasonOf } from '../model/error.ts';
import type { RepeatRecord } from '../model/repeat.ts';
import type { RepeatStore } from './ports.ts';

/** Keys remembered; past it the oldest is forgotten. */
export const IDEMPOTENCY_KEYS_MAX = 1_000;
/** How long a key is remembered. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000;

export interface IdempotentCallsParts {
  /** Milliseconds that only ever grow. */
  monotonicNow: () => number;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Where keys outlive a restart. */
  store: RepeatStore;
  /** A key could not be written. */
  onTrouble: (error: unknown) => void;
}

/** Its parameter notes that the call is about to be carried out. */
export type RepeatableCall = (begin: () => Promise<void>) => Promise<unknown>;

interface Call {
  fingerprint: string;
  outcome: Promise<void>;
  /** By the monotonic clock. */
  beganAtMs: number;
}

export class IdempotentCalls {
  readonly #parts: IdempotentCallsParts;
  /** In the order they began. */
  readonly #calls = new Map<string, Call>();

  constructor(parts: IdempotentCallsParts) {
    this.#parts = parts;
  }

  /** Takes what the store holds. */
  async start(): Promise<void> {
    const { store, now, monotonicNow } = this.#parts;
    const records = (await store.all()).sort((a, b) => a.beganAt - b.beganAt);
    for (const { key, fingerprint, beganAt, outcome } of records) {
      // a clock that was set back makes no key older than it is
      const beganAtMs = monotonicNow() - Math.max(0, now() - beganAt);
      this.#calls.set(key, { fingerprint, outcome: keptOutcome(outcome), beganAtMs });
    }
    this.#forgetOld(IDEMPOTENCY_KEYS_MAX);
  }

  /**
   * @param command tells one call from another: the same key for another call is a mistake
   * @param call awaits what it is given right before it does what must not be done twice
   * @throws GatewayError conflict for that mistake; otherwise what `call` throws
   */
  run(key: string, command: string, call: RepeatableCall): Promise<void> {
    const fingerprint = createHash('sha256').update(command).digest('base64url');
    this.#forgetOld(IDEMPOTENCY_KEYS_MAX);
    const known = this.#calls.get(key);
    if (known) {
      if (known.fingerprint === fingerprint) return known.outcome;
      throw new GatewayError('conflict', 'this Idempotency-Key was used for another call', {
        hint: 'take a new key for each call, and the same one only to repeat it',
      });
    }
    // room for this one: a repeat needs none, and must not push out what it repeats
    this.#forgetOld(IDEMPOTENCY_KEYS_MAX - 1);
    const { monotonicNow, now } = this.#parts;
    const outcome = this.#carryOut({ key, fingerprint, beganAt: now(), outcome: 'underWay' }, call);
    this.#calls.set(key, { fingerprint, outcome, beganAtMs: monotonicNow() });
    return outcome;
  }

  /** The next call under this key is a new one. */
  release(key: string): void {
    if (this.#calls.has(key)) this.#forget(key);
  }

  async #carryOut(record: RepeatRecord, call: RepeatableCall): Promise<void> {
    const { key } = record;
    try {
      await call(() => this.#save(record));
    } catch (error) {
      if (mayHaveBeenDone(error)) await this.#save({ ...record, outcome: reasonOf(error) });
      else this.#forget(key);
      throw error;
    }
    await this.#save({ ...record, outcome: 'done' });
  }

  async #save(record: RepeatRecord): Promise<void> {
    const { store, onTrouble } = this.#parts;
    await store.save(record).catch(onTrouble);
  }

  #forget(key: string): void {
    const { store, onTrouble } = this.#parts;
    this.#calls.delete(key);
    store.remove(key).catch(onTrouble);
  }

  /** Leaves at most `count` keys, none of them too old. */
  #forgetOld(count: number): void {
    const now = this.#parts.monotonicNow();
    for (const [key, { beganAtMs }] of this.#calls) {
      if (this.#calls.size <= count && now - beganAtMs < IDEMPOTENCY_KEPT_MS) return;
      this.#forget(key);
    }
  }
}

function mayHaveBeenDone(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'deviceTimeout';
}

/** What a call from before a restart had come to. */
function keptOutcome(outcome: RepeatRecord['outcome']): Promise<void> {
  if (outcome === 'done') return Promise.resolve();
  const { message, hint }: Reason =
    outcome === 'underWay'
      ? {
          code: 'deviceTimeout',
          message: 'the gateway was restarted before the device answered: this may have been done',
          hint: 'ask for its status, or send it again under a new Idempotency-Key',
        }
      : outcome;
  const failed = Promise.reject(new GatewayError('deviceTimeout', message, { hint }));
  // nobody may ever ask for it
  failed.catch(() => undefined);
  return failed;
}
