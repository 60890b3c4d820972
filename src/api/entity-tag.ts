/**
 * Strong entity tags (RFC 9110, 8.8.3): the hash of a body. Each content coding of it has a tag of its own, as
 * 8.8.3.3 asks: the hash, a hyphen and the coding.
 */
import { createHash } from 'node:crypto';

const HASH_CHARS = 27;
const CODING = /^(-[a-z]{1,8})?$/;

export function entityTag(body: Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, HASH_CHARS)}"`;
}

export function codedTag(tag: string, coding: string): string {
  return `${tag.slice(0, -1)}-${coding}"`;
}

/**
 * The tag in an `If-None-Match` that names the body of `tag`, in whatever coding it was sent (13.1.2; compared
 * weakly, as a proxy may have made it weak); undefined when the caller holds another body, or none.
 */
export function tagHeld(ifNoneMatch: string, tag: string): string | undefined {
  if (ifNoneMatch.trim() === '*') return tag;
  const hash = tag.slice(1, -1);
  for (const [held, opaque = ''] of ifNoneMatch.matchAll(/"([^"]*)"/g)) {
    if (opaque.startsWith(hash) && CODING.test(opaque.slice(hash.length))) return held;
  }
  return undefined;
}
