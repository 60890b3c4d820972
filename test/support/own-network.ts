/**
 * A network that nothing comes to and goes from, for a program that minds: a namespace with a loopback alone, and on it ports
 * of this machine, by a socat and a Unix socket each, for a Unix socket does not care whose network it is. It takes root
 * and socat. What was begun in it ends with this process, however that ends.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { reasonToSkip } from '../../scripts/peers/peers.ts';
import { tempFolder } from './temp-folder.ts';
import { until } from './until.ts';

/** Told `<port> <socket>` line by line; at the end of its input it ends all that it has begun. */
const KEEPER = `
ip link set lo up || exit 1
echo up
while read -r port socket; do
  socat "TCP-LISTEN:$port,fork,reuseaddr,bind=127.0.0.1" "UNIX-CONNECT:$socket" &
done
kill 0`;
const LISTENS = '0A';

export class OwnNetwork {
  readonly #keeper: ChildProcessByStdio<Writable, Readable, null>;
  readonly #folder = tempFolder();
  readonly #servers = new Map<number, Server>();

  private constructor(keeper: ChildProcessByStdio<Writable, Readable, null>) {
    this.#keeper = keeper;
  }

  /** Undefined where there can be none. */
  static async open(): Promise<OwnNetwork | undefined> {
    if (
      reasonToSkip('socat', 'iproute2') !== undefined ||
      spawnSync('unshare', ['--net', 'true']).status !== 0
    )
      return undefined;
    const keeper = spawn('unshare', ['--net', 'sh', '-c', KEEPER], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // `kill 0` is for its own group
      detached: true,
    });
    const isUp = await Promise.race([
      once(keeper.stdout, 'data').then(() => true),
      once(keeper, 'exit').then(() => false),
    ]);
    return isUp ? new OwnNetwork(keeper) : undefined;
  }

  /** A program that is `program`, in this network. @returns its path */
  within(program: string): string {
    const path = join(this.#folder.path, 'within');
    const script = `#!/bin/sh\nexec nsenter --net=/proc/${this.#keeper.pid}/ns/net '${program}' "$@"\n`;
    writeFileSync(path, script, { mode: 0o755 });
    return path;
  }

  /** `port` of this machine's loopback is that of its own too. */
  async reach(port: number): Promise<void> {
    if (this.#servers.has(port)) return;
    const socket = join(this.#folder.path, `${port}.sock`);
    const server = createServer((inside) => {
      const outside = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        one.on('error', () => undefined).on('close', () => other.destroy());
        one.pipe(other);
      }
    });
    this.#servers.set(port, server);
    server.listen(socket);
    await once(server, 'listening');
    this.#keeper.stdin.write(`${port} ${socket}\n`);
    await until(`port ${port} is there`, () => this.#listens(port));
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) server.close();
    if (this.#keeper.exitCode === null && this.#keeper.signalCode === null) {
      const gone = once(this.#keeper, 'exit');
      this.#keeper.stdin.end();
      await gone;
    }
    this.#folder.remove();
  }

  #listens(port: number): boolean {
    const address = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 ${LISTENS}`;
    return readFileSync(`/proc/${this.#keeper.pid}/net/tcp`, 'utf8').includes(address);
  }
}
