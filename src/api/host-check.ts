/**
 * Against DNS rebinding: a page that has its own name resolve to this box gets nowhere, because the name stands
 * in `Host`. An IP address cannot be rebound, and the box's own names are nobody else's.
 */
import { isIP } from 'node:net';
import { GatewayError } from '../model/error.ts';

export class HostCheck {
  readonly #names: ReadonlySet<string>;

  constructor(parts: { hostname: string; allowedHosts: readonly string[] }) {
    const own = parts.hostname.toLowerCase();
    this.#names = new Set([
      'localhost',
      own,
      `${own}.local`,
      ...parts.allowedHosts.map((name) => name.toLowerCase()),
    ]);
  }

  /** @throws GatewayError forbidden */
  demand(host: string | undefined): void {
    if (this.accepts(host)) return;
    throw new GatewayError('forbidden', 'this gateway does not answer under the name in "Host"', {
      hint: 'use its IP address, or add the name to ALLOWED_HOSTS',
    });
  }

  /** `host` is the header as it came: a name or an address, with or without a port. */
  accepts(host: string | undefined): boolean {
    const name = nameIn(host ?? '');
    return isIP(name) !== 0 || this.#names.has(name);
  }
}

function nameIn(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host);
  if (bracketed) return bracketed[1] as string;
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}
