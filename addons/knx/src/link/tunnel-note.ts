/**
 * Which tunnel this add-on has, noted on disk: a process that is killed leaves it taken, and the next one gives it back
 * before it asks for another. Counts within one run of the machine only, and no longer than a server keeps a tunnel that it
 * does not hear of: later the same number may be another client's.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** After which a server gives up a tunnel that it does not hear of (CONNECTION_ALIVE_TIME, 03_08_02 Core, 5.4). */
export const SLOT_LIFETIME_MS = 120_000;

export interface NotedTunnel {
  /** `host:port`. */
  server: string;
  channelId: number;
}

interface Noted extends NotedTunnel {
  bootId: string;
  /** Of the machine, when the server was last heard to know the tunnel. */
  aliveAtMs: number;
}

export class TunnelNote {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** What an earlier process has left at this server, and for how long it may be taken; undefined where nothing is known. */
  left(server: string): { channelId: number; forMs: number } | undefined {
    try {
      const noted = JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<Noted>;
      const { channelId, bootId, aliveAtMs } = noted;
      if (noted.server !== server || bootId !== thisBoot()) return undefined;
      if (!Number.isInteger(channelId) || typeof aliveAtMs !== 'number') return undefined;
      const forMs = aliveAtMs + SLOT_LIFETIME_MS - uptimeMs();
      return forMs > 0 ? { channelId: channelId as number, forMs } : undefined;
    } catch {
      // no note, or none that can be read: then the server has to find out by itself
      return undefined;
    }
  }

  /** It is there, and the server knows it just now. Not flushed: it need not survive the machine. */
  write({ server, channelId }: NotedTunnel): void {
    try {
      const noted: Noted = { server, channelId, bootId: thisBoot(), aliveAtMs: uptimeMs() };
      writeFileSync(this.#path, JSON.stringify(noted));
    } catch {
      // a full disk shall not cost the bus
    }
  }

  /** It was given back. */
  clear(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // as above
    }
  }
}

function uptimeMs(): number {
  return Math.round(uptime() * 1_000);
}

/** @throws Error where the system does not say */
function thisBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
