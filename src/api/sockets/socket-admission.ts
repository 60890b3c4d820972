/**
 * Who may open a socket, and what it will hear: one answer for socket.io and for plain WebSockets. A handshake is
 * checked as a REST request is: `Host`, origin, rate limit; then the number of sockets, and who calls. The Unix socket
 * has no limits.
 */
import type { IncomingMessage } from 'node:http';
import type { GatewayEventBus } from '../../core/events.ts';
import type { Dispose } from '../../lib/event-bus.ts';
import { GatewayError } from '../../model/error.ts';
import type { Access, Caller } from '../access.ts';
import { addressKey } from '../caller-address.ts';
import type { HostCheck } from '../host-check.ts';
import type { Origins } from '../origins.ts';
import type { RateLimit } from '../rate-limit.ts';
import { allowedEventKinds } from '../views/event-view.ts';
import { type HandshakeQuery, roomsOf } from './narrowing.ts';

/** Sockets from the network at one time, of both kinds; requests find connections beside them. */
export const SOCKETS_MAX = 768;
/** Of these from one address, so that one caller does not shut out all others. */
export const SOCKETS_PER_ADDRESS_MAX = 256;
/** When to come back where there are too many. */
const RETRY_AFTER_SECONDS = 10;

export interface SocketAdmissionParts {
  access: Access;
  hostCheck: HostCheck;
  origins: Origins;
  rateLimit: RateLimit;
  events: GatewayEventBus;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Told of each handshake that is refused for who makes it. */
  onRefused?: (request: IncomingMessage, code: 'unauthorized' | 'forbidden') => void;
}

export interface Admitted {
  caller: Caller;
  /** The rooms that this socket shall be in. */
  rooms: string[];
}

export class SocketAdmission {
  readonly #parts: SocketAdmissionParts;
  readonly #openOf = new Map<string, number>();
  #open = 0;

  constructor(parts: SocketAdmissionParts) {
    this.#parts = parts;
  }

  /**
   * Before a handshake is looked at. A token that does not count is counted here, and refused by `admit`.
   * @throws GatewayError forbidden (Host, origin), tooManyRequests, unavailable (too many sockets)
   */
  knock(request: IncomingMessage, token: string | undefined): Promise<void> {
    return this.#telling(request, () => this.#knock(request, token));
  }

  async #knock(request: IncomingMessage, token: string | undefined): Promise<void> {
    const { access, hostCheck, origins, rateLimit } = this.#parts;
    if (access.isLocal(request)) return;
    hostCheck.demand(request.headers.host);
    if (origins.kindOf(request) === 'foreign') {
      throw new GatewayError('forbidden', 'CORS_ORIGINS does not have the origin of this page');
    }
    const caller = await access.callerOf(request, token).catch(() => 'anonymous' as const);
    rateLimit.count(caller, request);
    this.#checkRoom(request);
  }

  /**
   * Takes one of the places for sockets; the returned function gives it back.
   * @throws GatewayError tooManyRequests, unavailable
   */
  occupy(request: IncomingMessage): Dispose {
    if (this.#parts.access.isLocal(request)) return () => {};
    this.#checkRoom(request);
    const address = addressKey(request.socket.remoteAddress);
    this.#open += 1;
    this.#openOf.set(address, (this.#openOf.get(address) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#open -= 1;
      const left = (this.#openOf.get(address) ?? 1) - 1;
      if (left === 0) this.#openOf.delete(address);
      else this.#openOf.set(address, left);
    };
  }

  /** @throws GatewayError unauthorized, forbidden, badRequest */
  admit(request: IncomingMessage, token: string | undefined, query: HandshakeQuery): Promise<Admitted> {
    const { access } = this.#parts;
    return this.#telling(request, async () => {
      const caller = await access.callerOf(request, token);
      access.demand(caller, 'read');
      const allowed = allowedEventKinds((right) => access.may(caller, right));
      return { caller, rooms: roomsOf(query, allowed) };
    });
  }

  async #telling<T>(request: IncomingMessage, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : undefined;
      if (code === 'unauthorized' || code === 'forbidden') this.#parts.onRefused?.(request, code);
      throw error;
    }
  }

  /** Calls `end` when the token that a socket was opened with has expired or is void, unless disposed before. */
  endWith(caller: Caller, end: () => void): Dispose {
    if (typeof caller !== 'object') return () => {};
    const { events, now } = this.#parts;
    const { clientId, expiresAtMs } = caller;
    const timer = setTimeout(end, Math.max(0, expiresAtMs - now()));
    const dispose = events.on('clientTokensVoided', (voided) => {
      if (voided.clientId === clientId) end();
    });
    return () => {
      clearTimeout(timer);
      dispose();
    };
  }

  #checkRoom(request: IncomingMessage): void {
    const address = addressKey(request.socket.remoteAddress);
    if ((this.#openOf.get(address) ?? 0) >= SOCKETS_PER_ADDRESS_MAX) {
      throw new GatewayError(
        'tooManyRequests',
        `this address has ${SOCKETS_PER_ADDRESS_MAX} sockets open already`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS, hint: 'close those that are not needed' },
      );
    }
    if (this.#open < SOCKETS_MAX) return;
    throw new GatewayError('unavailable', `${SOCKETS_MAX} sockets are open already`, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
}

/** A token in a handshake's query or `auth`. @throws GatewayError unauthorized for anything but one text */
export function tokenFrom(token: unknown): string | undefined {
  if (token === undefined || typeof token === 'string') return token;
  throw new GatewayError('unauthorized', 'the token is invalid: it must be a text, given once');
}

/** The query of a handshake; a parameter that is given twice has all its values. */
export function handshakeQuery({ url = '/' }: IncomingMessage): HandshakeQuery {
  const start = url.indexOf('?');
  const query: Record<string, string | string[]> = Object.create(null);
  if (start === -1) return query;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}
