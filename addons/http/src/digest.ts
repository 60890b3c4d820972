/**
 * HTTP Digest access authentication (RFC 7616): what a challenge says, and what it is answered with. SHA-256 and MD5
 * with `qop=auth`, or without `qop` as RFC 2069 had it.
 */
import { createHash, randomBytes } from 'node:crypto';

const HASHES = { 'SHA-256': 'sha256', MD5: 'md5' } as const;
type Algorithm = keyof typeof HASHES;

export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque: string | undefined;
  algorithm: Algorithm;
  /** `auth`, or none at all. */
  qop: 'auth' | undefined;
}

export interface DigestRequest {
  method: string;
  /** The request-target, as it is sent. */
  uri: string;
  username: string;
  password: string;
  /** How often this nonce was used, this time included. */
  count: number;
  /** At random where it is left out. */
  cnonce?: string;
}

/** The strongest challenge that can be answered among the values of `WWW-Authenticate`. */
export function digestChallenge(values: readonly string[]): DigestChallenge | undefined {
  const challenges = values.flatMap(challengesIn).filter((each) => each !== undefined);
  return challenges.find(({ algorithm }) => algorithm === 'SHA-256') ?? challenges[0];
}

/** The value of `Authorization` (RFC 7616, 3.4). */
export function digestAuthorization(challenge: DigestChallenge, request: DigestRequest): string {
  const { realm, nonce, opaque, algorithm, qop } = challenge;
  const { method, uri, username, password, count, cnonce = randomBytes(16).toString('hex') } = request;
  const hash = (text: string) => createHash(HASHES[algorithm]).update(text).digest('hex');
  const nc = count.toString(16).padStart(8, '0');
  const secret = hash(`${username}:${realm}:${password}`);
  const asked = hash(`${method}:${uri}`);
  const response = qop
    ? hash(`${secret}:${nonce}:${nc}:${cnonce}:${qop}:${asked}`)
    : hash(`${secret}:${nonce}:${asked}`);
  const fields = [
    userField(username),
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `algorithm=${algorithm}`,
    `response="${response}"`,
    ...(qop ? [`qop=${qop}`, `nc=${nc}`, `cnonce="${cnonce}"`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ];
  return `Digest ${fields.join(', ')}`;
}

/** One header value may hold several challenges: each begins with its scheme. */
function challengesIn(value: string): (DigestChallenge | undefined)[] {
  return value.split(/(?:^|,)\s*(?=[A-Za-z][\w-]*\s+[\w-]+\s*=)/).map(parse);
}

function parse(text: string): DigestChallenge | undefined {
  const [, scheme = '', rest = ''] = /^\s*([A-Za-z][\w-]*)\s+(.*)$/s.exec(text) ?? [];
  if (scheme.toLowerCase() !== 'digest') return undefined;
  const fields = new Map<string, string>();
  for (const [, name = '', inQuotes, bare] of rest.matchAll(
    /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g,
  )) {
    fields.set(name.toLowerCase(), inQuotes === undefined ? (bare ?? '') : inQuotes.replace(/\\(.)/g, '$1'));
  }
  const [realm, nonce] = [fields.get('realm'), fields.get('nonce')];
  const named = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const algorithm = (Object.keys(HASHES) as Algorithm[]).find((each) => each === named);
  const offered = fields
    .get('qop')
    ?.toLowerCase()
    .split(/\s*,\s*/);
  const qop = offered?.find((each) => each === 'auth') as 'auth' | undefined;
  if (realm === undefined || nonce === undefined || algorithm === undefined) return undefined;
  if (offered !== undefined && qop === undefined) return undefined;
  return { realm, nonce, opaque: fields.get('opaque'), algorithm, qop };
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** RFC 7616, 3.4: a name beyond ASCII has a form of its own (RFC 8187). */
function userField(username: string): string {
  return /^[\x20-\x7e]*$/.test(username)
    ? `username=${quoted(username)}`
    : `username*=UTF-8''${encodeURIComponent(username)}`;
}
