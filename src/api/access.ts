/**
 * Who calls and what they may do. A connection that came through `gate.sock` is `local` and has full rights; a
 * caller with a token is the client it was given to, with the token's scopes; everyone else is `anonymous` and has
 * what `ON_PREMISE_ANONYMOUS` gives. Who is local was noted when the connection was accepted: nothing that a
 * request says can change it. A token that does not count is refused: it never makes its caller anonymous.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Grant, Tokens } from '../core/clients/tokens.ts';
import { covers, type Scope } from '../model/client.ts';
import { GatewayError } from '../model/error.ts';
import type { AnonymousAccess } from './settings.ts';

export type Caller = 'local' | 'anonymous' | Grant;
/**
 * `read`: every GET and the socket events. `control`: devices are told something. `administer`: the gateway is
 * changed. `manageClients`: who may call is changed; an anonymous caller never may, or one moment of
 * `ON_PREMISE_ANONYMOUS=all` would let anybody in for good.
 */
export type Right = 'read' | 'control' | 'administer' | 'manageClients';

export const ANONYMOUS_RIGHTS: Readonly<Record<AnonymousAccess, readonly Right[]>> = {
  none: [],
  read: ['read'],
  all: ['read', 'control', 'administer'],
};
export const SCOPE_FOR: Readonly<Record<Right, Scope>> = {
  read: 'read',
  control: 'control',
  administer: 'admin',
  manageClients: 'admin',
};
/** RFC 6750, 2.1 */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

export interface AccessParts {
  anonymous: AnonymousAccess;
  tokens: Tokens;
}

export class Access {
  readonly #parts: AccessParts;
  readonly #local = new WeakSet<Socket>();

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /** Notes a connection that was accepted on the Unix socket. */
  trust(connection: Socket): void {
    this.#local.add(connection);
  }

  isLocal(request: IncomingMessage): boolean {
    return this.#local.has(request.socket);
  }

  /** `token` where it is not in the `Authorization` header. @throws GatewayError unauthorized */
  async callerOf(request: IncomingMessage, token?: string): Promise<Caller> {
    if (this.isLocal(request)) return 'local';
    const presented = token ?? tokenIn(request);
    return presented === undefined ? 'anonymous' : this.#parts.tokens.verify(presented);
  }

  may(caller: Caller, right: Right): boolean {
    if (caller === 'local') return true;
    if (caller === 'anonymous') return ANONYMOUS_RIGHTS[this.#parts.anonymous].includes(right);
    return covers(caller.scopes, SCOPE_FOR[right]);
  }

  /** @throws GatewayError unauthorized without a token, forbidden with one that lacks the scope */
  demand(caller: Caller, right: Right): void {
    if (this.may(caller, right)) return;
    const scope = SCOPE_FOR[right];
    if (typeof caller === 'object') {
      throw new GatewayError('forbidden', `this needs a token of scope "${scope}"`, {
        hint: `this token has ${caller.scopes.map((held) => `"${held}"`).join(' and ')}`,
      });
    }
    throw new GatewayError(
      'unauthorized',
      right === 'manageClients'
        ? `this needs a token of scope "${scope}", whatever ON_PREMISE_ANONYMOUS says`
        : `a caller without a token may not do this: ON_PREMISE_ANONYMOUS is "${this.#parts.anonymous}"`,
      { hint: `send a token of scope "${scope}", or call through gate.sock on the box itself` },
    );
  }
}

/** @throws GatewayError unauthorized for an `Authorization` that holds no token */
function tokenIn({ headers: { authorization } }: IncomingMessage): string | undefined {
  if (authorization === undefined) return undefined;
  const token = BEARER.exec(authorization)?.[1];
  if (token !== undefined) return token;
  throw new GatewayError('unauthorized', 'the Authorization header is invalid: it holds no token', {
    hint: 'send Authorization: Bearer <access_token>',
  });
}
