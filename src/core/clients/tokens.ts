/**
 * Access tokens: JSON Web Tokens (RFC 7519) that this gateway signs and alone can check, HS256 with a key of its
 * own. A token counts while its client is there and of the same token version, by the box's wall clock: never
 * longer than its lifetime and a minute, however the clock jumps, because one from the future is refused as an old one is.
 */
import { randomBytes, type webcrypto } from 'node:crypto';
import * as v from 'valibot';
import { type Client, SCOPES, type Scope } from '../../model/client.ts';
import { GatewayError } from '../../model/error.ts';
import type { Registry } from '../ports.ts';
import type { Clients } from './clients.ts';

const ALGORITHM = 'HS256';
const KEY_NAME = 'tokenKey';
/** RFC 7518, 3.2: as long as the hash, at least. */
const KEY_BYTES = 32;
/** How far the clock may be corrected without anybody noticing. */
export const CLOCK_TOLERANCE_SECONDS = 60;
/** A token of ours has about 300 characters; longer ones are not looked at. */
const TOKEN_MAX_LENGTH = 2_048;

const claimsSchema = v.object({
  sub: v.string(),
  scope: v.pipe(
    v.string(),
    v.transform((scope) => scope.split(' ')),
    v.array(v.picklist(SCOPES)),
  ),
  iat: v.number(),
  exp: v.number(),
  ver: v.number(),
});

/** What a token says of who holds it. */
export interface Grant {
  clientId: string;
  scopes: readonly Scope[];
  /** Milliseconds since 1970. */
  expiresAtMs: number;
}

export interface IssuedToken {
  token: string;
  expiresInSeconds: number;
}

export interface TokensParts {
  clients: Clients;
  registry: Registry;
  /** The gateway's id: tokens of another gateway are foreign. */
  issuer: string;
  lifetimeSeconds: number;
  now: () => number;
  newId: () => string;
}

interface Signing {
  jose: typeof import('jose');
  key: webcrypto.CryptoKey;
}

export class Tokens {
  readonly #parts: TokensParts;
  #secret: Buffer | undefined;
  #signing: Promise<Signing> | undefined;

  constructor(parts: TokensParts) {
    this.#parts = parts;
  }

  /** Makes the box's key at the first start. */
  async start(): Promise<void> {
    const key = await this.#parts.registry.keep(KEY_NAME, () => randomBytes(KEY_BYTES).toString('base64url'));
    this.#secret = Buffer.from(key, 'base64url');
  }

  /** A token for this client, for `scopes`, which must lie within the client's own. */
  async issue({ clientId }: Client, scopes: readonly Scope[]): Promise<IssuedToken> {
    const { issuer, lifetimeSeconds, now, newId, clients } = this.#parts;
    const issuedAt = Math.floor(now() / 1_000);
    const { jose, key } = await this.#started();
    const token = await new jose.SignJWT({
      scope: scopes.join(' '),
      ver: clients.tokenVersion(clientId) ?? 0,
    })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(issuer)
      .setSubject(clientId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .setJti(newId())
      .sign(key);
    return { token, expiresInSeconds: lifetimeSeconds };
  }

  /** @throws GatewayError unauthorized: expired, void, or none of ours */
  async verify(token: string): Promise<Grant> {
    const { sub, scope, iat, exp, ver } = await this.#claimsOf(token);
    if (iat * 1_000 > this.#parts.now() + CLOCK_TOLERANCE_SECONDS * 1_000) {
      throw refused('the token is invalid: it was issued at a time that this gateway has yet to reach');
    }
    if (this.#parts.clients.tokenVersion(sub) !== ver) {
      throw refused('the token is invalid: its client, or the token itself, was revoked');
    }
    return { clientId: sub, scopes: scope, expiresAtMs: (exp + CLOCK_TOLERANCE_SECONDS) * 1_000 };
  }

  async #claimsOf(token: string): Promise<v.InferOutput<typeof claimsSchema>> {
    if (token.length > TOKEN_MAX_LENGTH) throw refused('the token is invalid');
    const { jose, key } = await this.#started();
    try {
      const { payload } = await jose.jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        issuer: this.#parts.issuer,
        requiredClaims: ['sub', 'exp', 'iat', 'jti'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(this.#parts.now()),
      });
      return v.parse(claimsSchema, payload);
    } catch (error) {
      // neither the token nor what a library says of it goes any further
      throw refused(
        error instanceof jose.errors.JWTExpired
          ? 'the token has expired'
          : 'the token is invalid: not one of ours',
      );
    }
  }

  /** Loaded with the first token: a box whose apps need none does without the 2 MB. */
  #started(): Promise<Signing> {
    // not kept when it failed
    this.#signing ??= this.#load().catch((error: unknown) => {
      this.#signing = undefined;
      throw error;
    });
    return this.#signing;
  }

  async #load(): Promise<Signing> {
    if (this.#secret === undefined) throw new GatewayError('unavailable', 'tokens are not ready yet');
    const usages: webcrypto.KeyUsage[] = ['sign', 'verify'];
    const use = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', this.#secret, use, false, usages);
    return { jose: await import('jose'), key };
  }
}

function refused(message: string): GatewayError {
  return new GatewayError('unauthorized', message, {
    hint: 'get a new one from POST /authentication/v1/oauth/token',
  });
}
