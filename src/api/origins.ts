/**
 * Browser origins. A page of a configured origin may read answers; any other page may neither read (the browser
 * sees to that) nor change anything nor open a socket (this file sees to that: a browser sends such requests
 * without asking first).
 */
import type { IncomingMessage } from 'node:http';

export type OriginKind = 'none' | 'same' | 'allowed' | 'foreign';

export class Origins {
  readonly #allowed: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#allowed = new Set(origins);
  }

  get list(): string[] {
    return [...this.#allowed];
  }

  /** Whether pages of any origin may read. */
  get any(): boolean {
    return this.#allowed.has('*');
  }

  kindOf({ headers }: IncomingMessage): OriginKind {
    const { origin, host } = headers;
    if (origin === undefined) return 'none';
    if (this.any || this.#allowed.has(origin)) return 'allowed';
    return URL.canParse(origin) && new URL(origin).host === host ? 'same' : 'foreign';
  }
}
