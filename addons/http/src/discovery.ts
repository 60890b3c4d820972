/**
 * Looks for devices of the known families in the network. What an announcement says is only a hint: each device is
 * asked who it is, without any credentials, and only in a network that this box is in itself.
 */
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { AddonError, type Clock } from '@gate/addon-sdk';
import { DeviceLine } from './device-line.ts';
import { FAMILIES } from './families/families.ts';
import type { Family, Identity } from './families/family.ts';
import type { HttpExchange } from './http-exchange.ts';
import type { Announced, Listen } from './mdns-listener.ts';

const LISTEN_MS = 4_000;
/** A scan has 10 s in all. */
const PROBE_DEADLINE_MS = 3_000;
const SEARCH_MAX_MS = 8_500;
const PROBES_AT_ONCE = 16;
/** Announcements that are looked at in one search. */
const ANNOUNCED_MAX = 1_000;

export interface FoundDevice {
  family: Family;
  hostname: string;
  port: number;
  /** Undefined where the device says who it is only to those who log in. */
  identity: Identity | undefined;
}

export class Discovery {
  readonly #parts: { exchange: HttpExchange; listen: Listen; clock: Clock };
  #running: Promise<FoundDevice[]> | undefined;

  constructor(parts: { exchange: HttpExchange; listen: Listen; clock: Clock }) {
    this.#parts = parts;
  }

  /** Takes at most SEARCH_MAX_MS; a search that is under way already is everybody's. */
  search(): Promise<FoundDevice[]> {
    this.#running ??= this.#search().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #search(): Promise<FoundDevice[]> {
    const { listen, clock } = this.#parts;
    const abort = new AbortController();
    const over = clock.after(SEARCH_MAX_MS, () =>
      abort.abort(new AddonError('timeout', 'the search is over')),
    );
    const waiting = new Map<string, Announced>();
    const seen = new Set<string>();
    const found = new Map<string, FoundDevice>();
    const probes = new Set<Promise<void>>();
    const startProbes = () => {
      for (const [key, announced] of waiting) {
        if (probes.size >= PROBES_AT_ONCE || abort.signal.aborted) return;
        waiting.delete(key);
        const probe = this.#probe(announced, abort.signal).then((device) => {
          if (device) found.set(device.identity?.id ?? `${device.hostname}:${device.port}`, device);
          probes.delete(probe);
          startProbes();
        });
        probes.add(probe);
      }
    };
    const services = [...new Set(FAMILIES.flatMap((family) => family.services))];
    try {
      await listen(
        services,
        (announced) => {
          const key = `${announced.service} ${announced.name} ${announced.port} ${announced.addresses.join()}`;
          if (seen.has(key) || seen.size >= ANNOUNCED_MAX) return;
          seen.add(key);
          waiting.set(key, announced);
          startProbes();
        },
        LISTEN_MS,
      );
      while (probes.size > 0) await Promise.all(probes);
    } finally {
      over();
    }
    return [...found.values()];
  }

  /** Never rejects: what does not answer as one of a family was not found. */
  async #probe(announced: Announced, signal: AbortSignal): Promise<FoundDevice | undefined> {
    const hostname = announced.addresses.find(isInOwnNetwork);
    if (hostname === undefined) return undefined;
    const { port } = announced;
    const access = {
      address: { protocol: 'http', hostname, port },
      login: undefined,
      trust: undefined,
    } as const;
    const line = new DeviceLine(this.#parts.exchange, access);
    for (const family of FAMILIES) {
      if (!family.services.includes(announced.service) || !family.mayBe(announced)) continue;
      try {
        const ask = line.reading(() => ({ deadlineMs: PROBE_DEADLINE_MS, signal }));
        return { family, hostname, port, identity: await family.identify(ask) };
      } catch (error) {
        const wantsLogin =
          error instanceof AddonError && (error.deviceStatus === 401 || error.code === 'deviceRefused');
        if (wantsLogin && family.loginMethod) return { family, hostname, port, identity: undefined };
      }
    }
    return undefined;
  }
}

/** An announcement that leads elsewhere is none of a device in this network. */
function isInOwnNetwork(address: string): boolean {
  if (!isIPv4(address) || address.startsWith('169.254.')) return false;
  const own = new BlockList();
  for (const each of Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])) {
    if (each.family === 'IPv4' && each.cidr)
      own.addSubnet(each.address, Number(each.cidr.split('/')[1]), 'ipv4');
  }
  return own.check(address, 'ipv4');
}
