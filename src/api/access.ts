/**
 * Who calls and what they may do. A connection that came through `gate.sock` is `local` and has full rights;
 * everyone else is `anonymous` and has what `ON_PREMISE_ANONYMOUS` gives. Who is local was noted when the
 * connection was accepted: nothing that a request says can change it.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { GatewayError } from '../model/error.ts';
import type { AnonymousAccess } from './settings.ts';

export type Caller = 'local' | 'anonymous';
/** `read`: every GET and the socket events. `control`: devices are told something. `administer`: the gateway is changed. */
export type Right = 'read' | 'control' | 'administer';

const ANONYMOUS_RIGHTS: Readonly<Record<AnonymousAccess, readonly Right[]>> = {
  none: [],
  read: ['read'],
  all: ['read', 'control', 'administer'],
};

export class Access {
  readonly #anonymous: AnonymousAccess;
  readonly #local = new WeakSet<Socket>();

  constructor(parts: { anonymous: AnonymousAccess }) {
    this.#anonymous = parts.anonymous;
  }

  /** Notes a connection that was accepted on the Unix socket. */
  trust(connection: Socket): void {
    this.#local.add(connection);
  }

  callerOf(request: IncomingMessage): Caller {
    return this.#local.has(request.socket) ? 'local' : 'anonymous';
  }

  may(caller: Caller, right: Right): boolean {
    return caller === 'local' || ANONYMOUS_RIGHTS[this.#anonymous].includes(right);
  }

  /** @throws GatewayError unauthorized */
  demand(caller: Caller, right: Right): void {
    if (this.may(caller, right)) return;
    throw new GatewayError(
      'unauthorized',
      `a caller without a token may not do this: ON_PREMISE_ANONYMOUS is "${this.#anonymous}"`,
      { hint: 'call through gate.sock on the box itself, or set ON_PREMISE_ANONYMOUS' },
    );
  }
}
