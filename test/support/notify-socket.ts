/** systemd's end of the notify socket: what systemd-notify sends there is counted. Needs socat. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

export class NotifySocket {
  readonly path: string;
  #heard = '';
  #socat: ChildProcess | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(folder: string): Promise<NotifySocket> {
    const notify = new NotifySocket(join(folder, 'notify'));
    const socat = spawn('socat', ['-u', `UNIX-RECV:${notify.path}`, '-'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    socat.stdout.on('data', (chunk: Buffer) => {
      notify.#heard += chunk;
    });
    notify.#socat = socat;
    await until('somebody listens', () => existsSync(notify.path));
    return notify;
  }

  /** What a service is given by systemd that waits so long for each sign of life. */
  environment(watchdogMs: number): Record<string, string> {
    return { NOTIFY_SOCKET: this.path, WATCHDOG_USEC: String(watchdogMs * 1_000) };
  }

  get isReady(): boolean {
    return this.#heard.includes('READY=1');
  }

  /** Signs of life so far. */
  get signs(): number {
    return this.#heard.split('WATCHDOG=1').length - 1;
  }

  async close(): Promise<void> {
    if (!this.#socat || this.#socat.exitCode !== null) return;
    const gone = once(this.#socat, 'exit');
    this.#socat.kill();
    await gone;
  }
}
