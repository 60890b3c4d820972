/**
 * Failed log-ins: counted for each address and each client id, answered ever more slowly, and refused past a
 * limit. Nobody finds a secret of 256 bits by trying; this keeps trying from costing the box its processor.
 *
 * Bounded: whatever ids and addresses callers make up, they are counted in a fixed number of counters. What a
 * caller sent is never logged: it may be a secret in the wrong place.
 */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { GatewayEventBus } from '../core/events.ts';
import type { Health } from '../core/health.ts';
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import type { HttpFigures } from './http-figures.ts';
import { HEALTH_PART } from './settings.ts';

/** Failures within a minute, then log-ins wait for the rest of it. */
export const FAILURES_PER_ADDRESS = 10;
/** More than one address may fail with, so that one alone does not shut a client out. */
export const FAILURES_PER_CLIENT = 30;
const WINDOW_SECONDS = 60;
const COUNTERS = 4_096;
const SLOWED_STEP_MS = 100;
const SLOWED_MAX_MS = 1_000;

export interface LogInLimitParts {
  health: Health;
  events: GatewayEventBus;
  /** Whether there is a client of this id. */
  isClient: (clientId: string) => boolean;
  logger: Logger;
  figures: Pick<HttpFigures, 'failedLogIns' | 'limitedLogIns'>;
  pause: (ms: number) => Promise<void>;
}

/** Who tries to log in: the address it is counted under, and the id it gave. */
export interface LogInAttempt {
  address: string;
  clientId: string;
}

export class LogInLimit {
  readonly #parts: LogInLimitParts;
  readonly #addresses = new RateLimiterMemory({ points: FAILURES_PER_ADDRESS, duration: WINDOW_SECONDS });
  readonly #clients = new RateLimiterMemory({ points: FAILURES_PER_CLIENT, duration: WINDOW_SECONDS });
  #limited = 0;

  constructor(parts: LogInLimitParts) {
    this.#parts = parts;
  }

  /**
   * Runs `logIn`. It counts as failed until it has succeeded, so that many at once are no way around the limit.
   * @throws GatewayError tooManyRequests; whatever `logIn` throws
   */
  async guard<T>(attempt: LogInAttempt, logIn: () => Promise<T>): Promise<T> {
    const [address, client] = [counterOf(attempt.address), counterOf(attempt.clientId)];
    const failures = await this.#count(this.#addresses, address, attempt);
    const counted = [() => this.#addresses.reward(address)];
    let failed = false;
    let ofClient = 0;
    try {
      ofClient = await this.#count(this.#clients, client, attempt);
      counted.push(() => this.#clients.reward(client));
      return await logIn();
    } catch (error) {
      failed = error instanceof GatewayError && error.code === 'unauthorized';
      if (failed) {
        this.#parts.figures.failedLogIns += 1;
        this.#tellFailure(attempt, Math.max(failures, ofClient));
        await this.#parts.pause(Math.min(failures * SLOWED_STEP_MS, SLOWED_MAX_MS));
      }
      throw error;
    } finally {
      // refused for the id, or not looked at for want of time: that is no failure of this address
      if (!failed) await Promise.all(counted.map((takeBack) => takeBack()));
    }
  }

  /** How many failures there are now, this one included. @throws GatewayError tooManyRequests */
  async #count(limiter: RateLimiterMemory, counter: string, { address }: LogInAttempt): Promise<number> {
    try {
      return (await limiter.consume(counter)).consumedPoints;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      this.#parts.figures.limitedLogIns += 1;
      const retryAfterSeconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
      // told once for each time the limit is passed, not for each refusal
      if (refusal.consumedPoints === limiter.points + 1) this.#tell(address, limiter === this.#addresses);
      throw new GatewayError('tooManyRequests', 'too many failed log-ins: wait before the next', {
        retryAfterSeconds,
      });
    }
  }

  #tellFailure({ address, clientId }: LogInAttempt, failures: number): void {
    const { events, isClient } = this.#parts;
    events.emit('logInFailed', { address, ...(isClient(clientId) ? { clientId } : {}), failures });
  }

  #tell(address: string, forAddress: boolean): void {
    const { health, logger } = this.#parts;
    this.#limited += 1;
    health.note(HEALTH_PART, { limitedLogIns: this.#limited });
    const whom = forAddress ? 'from this address' : 'for one client id, the last from this address';
    logger.warn({ address }, `too many failed log-ins ${whom}: limited for up to ${WINDOW_SECONDS} s`);
  }
}

function counterOf(text: string): string {
  return String(createHash('sha256').update(text).digest().readUInt32BE() % COUNTERS);
}
