/**
 * How many REST requests a caller may make: a client by its id, everybody else by address. The Unix socket has no
 * limit. A request with a token that does not count is one of its address.
 */
import type { IncomingMessage } from 'node:http';
import { CLIENTS_MAX } from '../core/clients/clients.ts';
import type { Tally } from '../lib/tally.ts';
import { TokenBuckets } from '../lib/token-buckets.ts';
import { GatewayError } from '../model/error.ts';
import type { Caller } from './access.ts';
import { addressKey } from './caller-address.ts';
import type { RateLimits } from './settings.ts';

/** Seconds' worth of requests that may come at once. */
export const BURST_SECONDS = 20;
/** Addresses that are counted at a time. */
export const ADDRESSES_MAX = 4_096;

export class RateLimit {
  readonly #clients: TokenBuckets | undefined;
  readonly #addresses: TokenBuckets | undefined;

  readonly #refused: Tally;

  constructor(parts: { limits: RateLimits; monotonicNow: () => number; refused: Tally }) {
    this.#refused = parts.refused;
    const buckets = (ratePerSecond: number, keysMax: number) => {
      const burst = ratePerSecond * BURST_SECONDS;
      return ratePerSecond === 0
        ? undefined
        : new TokenBuckets({ ratePerSecond, burst, keysMax, monotonicNow: parts.monotonicNow });
    };
    this.#clients = buckets(parts.limits.clientPerSecond, CLIENTS_MAX);
    this.#addresses = buckets(parts.limits.anonymousPerSecond, ADDRESSES_MAX);
  }

  /** @throws GatewayError tooManyRequests */
  count(caller: Caller, request: IncomingMessage): void {
    if (caller === 'local') return;
    const waitMs =
      caller === 'anonymous'
        ? this.#addresses?.take(addressKey(request.socket.remoteAddress))
        : this.#clients?.take(caller.clientId);
    if (waitMs === undefined || waitMs === 0) return;
    this.#refused.add(caller === 'anonymous' ? 'anonymous' : 'client');
    throw new GatewayError('tooManyRequests', 'too many requests: slow down', {
      retryAfterSeconds: Math.ceil(waitMs / 1_000),
      hint:
        caller === 'anonymous'
          ? 'callers with a token may make more (RATE_LIMIT_ANONYMOUS, RATE_LIMIT)'
          : 'RATE_LIMIT sets how many a client may make',
    });
  }
}
