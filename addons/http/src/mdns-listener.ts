/** Devices that announce themselves in the network: DNS-SD (RFC 6763) over mDNS (RFC 6762). */
import { networkInterfaces } from 'node:os';
import type { Announcement } from './families/family.ts';

export interface Announced extends Announcement {
  addresses: readonly string[];
  port: number;
}

/** Asks for `services` and hears answers for `ms`. Never rejects: where there is no network nothing is heard. */
export type Listen = (
  services: readonly string[],
  heard: (announced: Announced) => void,
  ms: number,
) => Promise<void>;

/** A question may be lost on the way, as every datagram: it is put again after these times. */
const ASKED_AGAIN_AFTER_MS = [700, 2_000];

export const listenByMdns: Listen = async (services, heard, ms) => {
  const { Bonjour } = await import('bonjour-service');
  // one for each network: left to itself it asks in one of them
  const listeners = ownAddresses().map(
    (address) => new Bonjour({ interface: address, bind: '0.0.0.0' } as object, () => undefined),
  );
  try {
    const browsers = listeners.flatMap((listener) =>
      services.map((type) =>
        listener.find({ type }, ({ name, port, addresses = [], txt }) =>
          heard({ service: type, name, port, addresses, txt: textsIn(txt) }),
        ),
      ),
    );
    const timers = ASKED_AGAIN_AFTER_MS.map((afterMs) =>
      setTimeout(() => {
        for (const browser of browsers) browser.update();
      }, afterMs),
    );
    await new Promise((resolve) => setTimeout(resolve, ms));
    for (const timer of timers) clearTimeout(timer);
  } finally {
    for (const listener of listeners) listener.destroy();
  }
};

/** IPv4 addresses of this box in its networks; those of the box to itself only where it has no other. */
function ownAddresses(): string[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === 'IPv4');
  const outside = own.filter(({ internal }) => !internal);
  return (outside.length > 0 ? outside : own).map(({ address }) => address);
}

function textsIn(txt: unknown): Record<string, string> {
  const entries = Object.entries((txt ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, value]) => [key.toLowerCase(), String(value)]));
}
