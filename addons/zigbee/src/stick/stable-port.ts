/** A stick's name in /dev/serial/by-id: it stays the same whatever port the stick is in, and in whatever order they are found. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { tcpTarget } from './coordinator-port.ts';

const BY_ID = '/dev/serial/by-id';

/** By the port's present path, the name that the stick has for good. */
export function stableNames(folder = BY_ID): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  // one that leads nowhere belongs to a stick that was pulled out just now
  const names = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((name) => existsSync(name));
  return new Map(names.map((name) => [realpathSync(name), name]));
}

/** The name that leads to `path`; nothing where it has none. */
export function stablePortOf(path: string): { stablePort?: string } {
  if (tcpTarget(path) || !existsSync(path)) return {};
  const stablePort = stableNames().get(realpathSync(path));
  return stablePort === undefined ? {} : { stablePort };
}

/** The configured path or, where it is gone, the lasting name of the stick that was there. */
export function presentPath(port: string, stablePort: string | undefined): string {
  if (tcpTarget(port) || existsSync(port) || stablePort === undefined || !existsSync(stablePort)) return port;
  return stablePort;
}
