/**
 * Who may log in at the broker, and what each may hear: an add-on its own base, nothing outside it. Tokens live in
 * memory, one for each run of an add-on.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { addonTopics } from '../contract/topics.ts';

export class AddonAccess {
  readonly #tokens = new Map<string, Buffer>();

  /** A new token; the one before is void. */
  issue(slug: string): string {
    const token = randomBytes(32).toString('base64url');
    this.#tokens.set(slug, Buffer.from(token));
    return token;
  }

  /** This token counts for `slug`, and no other. */
  readmit(slug: string, token: string): void {
    this.#tokens.set(slug, Buffer.from(token));
  }

  revoke(slug: string): void {
    this.#tokens.delete(slug);
  }

  /** True when `token` is the one that `slug` was given; compared in constant time. */
  admits(slug: string, token: Buffer): boolean {
    const expected = this.#tokens.get(slug);
    return expected !== undefined && expected.length === token.length && timingSafeEqual(expected, token);
  }

  /** Its own config and requests, nothing broader. */
  maySubscribe(slug: string, filter: string): boolean {
    const topics = addonTopics(slug);
    return filter === topics.config || filter === topics.requests;
  }
}
