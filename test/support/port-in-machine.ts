/**
 * A TCP port of this machine on the loopback of a machine that has a network of its own, or one of that machine's here: by
 * two socats and a Unix socket, which does not care whose network it is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../scripts/peers/free-port.ts';
import type { DebianMachine } from './debian-machine.ts';
import { until } from './until.ts';

export class PortInMachine {
  readonly #children: ChildProcess[] = [];
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async open(
    machine: DebianMachine,
    { folder, port }: { folder: string; port: number },
  ): Promise<PortInMachine> {
    const opened = new PortInMachine(port);
    const socket = join(folder, `port-${port}.sock`);
    rmSync(socket, { force: true });
    opened.#run('socat', [`UNIX-LISTEN:${socket},fork`, `TCP:127.0.0.1:${port}`]);
    await until('the socket is there', () => existsSync(socket));
    const listen = `TCP-LISTEN:${port},fork,reuseaddr,bind=127.0.0.1`;
    opened.#run('nsenter', ['-t', machine.leader, '-n', 'socat', listen, `UNIX-CONNECT:${socket}`]);
    const state = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
    await until('the port is there', async () => (await machine.demand('cat /proc/net/tcp')).includes(state));
    return opened;
  }

  /** The other way round: `port` of the machine, on a free one here. Open until the machine is switched off. */
  static async openHere(
    machine: DebianMachine,
    { folder, port }: { folder: string; port: number },
  ): Promise<PortInMachine> {
    const here = await freePort();
    const opened = new PortInMachine(here);
    const socket = join(folder, `port-of-machine-${port}.sock`);
    rmSync(socket, { force: true });
    const listen = `UNIX-LISTEN:${socket},fork`;
    opened.#run('nsenter', ['-t', machine.leader, '-n', 'socat', listen, `TCP:127.0.0.1:${port}`]);
    await until('the socket is there', () => existsSync(socket));
    opened.#run('socat', [`TCP-LISTEN:${here},fork,reuseaddr,bind=127.0.0.1`, `UNIX-CONNECT:${socket}`]);
    return opened;
  }

  #run(program: string, words: readonly string[]): void {
    // a group of its own: each connection has a process
    this.#children.push(spawn(program, words, { stdio: 'ignore', detached: true }));
  }

  async close(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const gone = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      await gone;
    }
  }
}
