/**
 * Who changed what, in the log: a line for each request that changes the gateway or carries all of it away, for each
 * log-in, and for each request or socket that was refused for want of a right; with the caller, where it came from, what it named
 * in its path, and what became of it. Commands to devices and the pieces of a file are lines of level `debug`.
 *
 * What a body said is never in it: it may be a secret. Bounded: somebody without a right cannot fill the log. Past
 * `REFUSALS_PER_ADDRESS` a minute, or `REFUSALS_IN_ALL`, refusals are counted, and the next line says how many.
 */
import type { IncomingMessage } from 'node:http';
import type { Middleware, ParameterizedContext } from 'koa';
import type { Logger } from '../lib/logger.ts';
import { TokenBuckets } from '../lib/token-buckets.ts';
import type { Caller } from './access.ts';
import { addressKey } from './caller-address.ts';
import { type AnyRoute, type ApiState, mediaTypesOf, OCTETS_TYPE } from './routes/route.ts';

/** A minute. */
export const REFUSALS_PER_ADDRESS = 10;
export const REFUSALS_IN_ALL = 60;
const MINUTE_SECONDS = 60;
const ADDRESSES_MAX = 1_024;
const EVERYBODY = '';
/** Of what stands in a path. */
const NAME_MAX_CHARS = 64;

const REFUSED = new Set([401, 403]);

export interface ChangeRecordParts {
  logger: Logger;
  /** The path of the route at which clients log in. */
  logInPath: string;
  monotonicNow: () => number;
}

type Context = ParameterizedContext<ApiState>;
type Facts = Record<string, unknown> & { from: string };

export class ChangeRecord {
  readonly #parts: ChangeRecordParts;
  readonly #ofAddress: TokenBuckets;
  readonly #ofAll: TokenBuckets;
  #leftOut = 0;

  constructor(parts: ChangeRecordParts) {
    this.#parts = parts;
    const buckets = (perMinute: number, keysMax: number) =>
      new TokenBuckets({
        ratePerSecond: perMinute / MINUTE_SECONDS,
        burst: perMinute,
        keysMax,
        monotonicNow: parts.monotonicNow,
      });
    this.#ofAddress = buckets(REFUSALS_PER_ADDRESS, ADDRESSES_MAX);
    this.#ofAll = buckets(REFUSALS_IN_ALL, 1);
  }

  /** Outside of what turns errors into answers: it looks at the status that is sent. */
  middleware(): Middleware<ApiState> {
    const { logger, logInPath } = this.#parts;
    return async (context, next) => {
      // somebody who has left by the end of it has no address any more
      const address = addressKey(context.req.socket.remoteAddress);
      await next();
      const { status, state } = context;
      const { route } = state;
      // the path of a request that reached no route may hold a secret
      if (REFUSED.has(status))
        return this.#refused(factsOf(context, address), route?.summary ?? context.method);
      if (route === undefined) return;
      if (route.path === logInPath) {
        if (status < 400) logger.info(factsOf(context, address), 'a client logged in');
        return;
      }
      if (!isRecorded(route)) return;
      const level = route.right === 'control' || route.takesOctets ? 'debug' : 'info';
      logger[level](factsOf(context, address), `${route.summary}: ${status < 400 ? 'done' : 'not done'}`);
    };
  }

  /** Somebody who may not open a socket. */
  socketRefused(request: IncomingMessage, code: string): void {
    const from = addressKey(request.socket.remoteAddress);
    this.#refused({ event: 'openSocket', from, code }, 'a socket');
  }

  #refused(facts: Facts, what: string): void {
    if (this.#ofAddress.take(facts.from) > 0 || this.#ofAll.take(EVERYBODY) > 0) {
      this.#leftOut += 1;
      return;
    }
    const more = this.#leftOut === 0 ? {} : { leftOut: this.#leftOut };
    this.#leftOut = 0;
    this.#parts.logger.warn({ ...facts, ...more }, `refused: ${what}`);
  }
}

/** What changes the gateway, and a file that holds all of it. Webhooks bring readings: they are none of it. */
function isRecorded(route: AnyRoute): boolean {
  if (route.right === 'anyone') return false;
  return route.method !== 'GET' || mediaTypesOf(route).includes(OCTETS_TYPE);
}

function factsOf(context: Context, address: string): Facts {
  const { status, state, body } = context;
  const { route } = state;
  const made = context.response.get('Location');
  const code = status < 400 ? undefined : codeIn(body);
  return {
    ...(route === undefined ? {} : { event: route.name }),
    ...originOf(context, address),
    ...(route === undefined || route.right === 'anyone' ? {} : namedIn(context)),
    ...(made === '' ? {} : { made }),
    status,
    ...(code === undefined ? {} : { code }),
  };
}

function originOf({ state }: Context, address: string): { by: string; from: string } {
  return {
    by: state.client ?? nameOf(state.caller),
    from: state.caller === 'local' ? 'gate.sock' : address,
  };
}

/** Undefined where a request was refused before it was asked who makes it. */
function nameOf(caller: Caller | undefined): string {
  return typeof caller === 'object' ? caller.clientId : (caller ?? 'anonymous');
}

/** `deviceId` and the like. */
function namedIn(context: Context): Record<string, string> {
  const parameters: Record<string, string> = context['params'] ?? {};
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, String(value).slice(0, NAME_MAX_CHARS)]),
  );
}

function codeIn(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}
