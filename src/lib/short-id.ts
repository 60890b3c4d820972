/**
 * Identifiers as people copy them: letters and digits only, from the system's random source.
 */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` characters of base 62; 9 of them hold 53 bits. */
export function shortId(length = 9): string {
  let id = '';
  while (id.length < length) {
    // 248 is the largest multiple of 62 in a byte: what lies above would make some letters likelier
    for (const byte of randomBytes(length * 2)) {
      if (byte < 248 && id.length < length) id += ALPHABET[byte % 62];
    }
  }
  return id;
}
