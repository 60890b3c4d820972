/** Logging in at one device: the credentials it is given, and what its challenges said. No error holds any of them. */
import { AddonError, isJsonObject, type JsonValue } from '@gate/addon-sdk';
import { type DigestChallenge, digestAuthorization, digestChallenge } from './digest.ts';

/** `query`: as parameters `user` and `password` of the path, for devices that know no other way. */
export type Credentials =
  | { method: 'basic' | 'digest' | 'query'; username: string; password: string }
  | { method: 'bearer'; token: string };
export type PasswordMethod = 'basic' | 'digest' | 'query';

const TEXT_MAX_CHARS = 1_024;
const BEARER_MAX_CHARS = 4_096;

/**
 * A generic device's `authentication`: `{method, username, password}` or `{method: "bearer", token}`.
 * @throws AddonError badRequest, without what it holds
 */
export function parseCredentials(value: JsonValue | undefined): Credentials | undefined {
  if (value === undefined || value === null) return undefined;
  const { method, token } = isJsonObject(value) ? value : {};
  if (method === 'bearer') {
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) && token.length <= BEARER_MAX_CHARS) {
      return { method, token };
    }
    throw bad('"authentication.token" must be 1 to 4096 visible ASCII characters');
  }
  if (method !== 'basic' && method !== 'digest') {
    throw bad('"authentication.method" must be basic, digest or bearer');
  }
  return parsePassword(value, method);
}

/** A family's `authentication`: `{username?, password}`; how it is sent is the family's. @throws AddonError badRequest */
export function parsePassword(value: JsonValue | undefined, method: PasswordMethod): Credentials | undefined {
  if (value === undefined || value === null) return undefined;
  const { username = 'admin', password } = isJsonObject(value) ? value : {};
  if (!isText(username) || username === '') throw bad('"authentication.username" must be a text');
  if (!isText(password)) throw bad('"authentication.password" is missing');
  if (method === 'basic' && username.includes(':'))
    throw bad('"authentication.username" may not hold a colon');
  return { method, username, password };
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX_CHARS;
}

function bad(message: string): AddonError {
  return new AddonError('badRequest', message);
}

export class Login {
  readonly #credentials: Credentials;
  #challenge: DigestChallenge | undefined;
  #count = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** The request-target, with the credentials in it where the device wants them there. */
  target(path: string): string {
    const own = this.#credentials;
    if (own.method !== 'query') return path;
    const query = new URLSearchParams({ user: own.username, password: own.password });
    return `${path}${path.includes('?') ? '&' : '?'}${query}`;
  }

  /** The value of `Authorization`, as far as one can be made before the device has been asked. */
  authorization(method: string, uri: string): string | undefined {
    const own = this.#credentials;
    switch (own.method) {
      case 'basic':
        return `Basic ${base64(`${own.username}:${own.password}`)}`;
      case 'bearer':
        return `Bearer ${own.token}`;
      case 'digest': {
        if (!this.#challenge) return undefined;
        this.#count += 1;
        const { username, password } = own;
        return digestAuthorization(this.#challenge, { method, uri, username, password, count: this.#count });
      }
      case 'query':
        return undefined;
    }
  }

  /**
   * Takes the challenge of a 401. `sent` is the `Authorization` that was refused.
   * @returns whether the same request may be let in with it
   */
  accept(challenges: readonly string[], sent: string | undefined): boolean {
    if (this.#credentials.method !== 'digest') return false;
    const challenge = digestChallenge(challenges);
    if (!challenge || sent?.includes(`nonce="${challenge.nonce}"`)) return false;
    if (challenge.nonce !== this.#challenge?.nonce) {
      this.#challenge = challenge;
      this.#count = 0;
    }
    return true;
  }

  /** What a device says, without the secret: some print the whole request into their errors. */
  redacted(text: string): string {
    const own = this.#credentials;
    const secret = own.method === 'bearer' ? own.token : own.password;
    if (secret === '') return text;
    const inForm = new URLSearchParams([['', secret]]).toString().slice(1);
    const inBasic = own.method === 'basic' ? [base64(`${own.username}:${secret}`)] : [];
    const forms = [...inBasic, secret, encodeURIComponent(secret), inForm];
    return forms.reduce((shown, form) => shown.replaceAll(form, '***'), text);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
