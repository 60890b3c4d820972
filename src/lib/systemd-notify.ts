/**
 * What a service tells systemd (sd_notify(3)). The socket takes datagrams, which Node cannot send: systemd's own program
 * sends them. Where nobody listens nothing is sent.
 */
import { execFile } from 'node:child_process';

const SEND_MS = 10_000;

export type SystemdWord = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1' | `STATUS=${string}`;

export class SystemdNotify {
  readonly #environment: Record<string, string | undefined>;

  constructor(environment: Record<string, string | undefined>) {
    this.#environment = environment;
  }

  /** How long systemd waits for a `WATCHDOG=1` before it ends the service; undefined where it does not. */
  get watchdogMs(): number | undefined {
    const microseconds = Number(this.#environment['WATCHDOG_USEC']);
    return this.#socket && microseconds > 0 ? microseconds / 1_000 : undefined;
  }

  /** Resolves when systemd has it. @throws Error when it could not be told */
  async send(...words: SystemdWord[]): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    const env = { PATH: this.#environment['PATH'] ?? '/usr/bin:/bin', NOTIFY_SOCKET: socket };
    await new Promise<void>((resolve, reject) => {
      execFile('systemd-notify', words, { env, timeout: SEND_MS }, (error) => {
        if (error) reject(new Error(`systemd could not be told ${words.join(' ')}: ${error.message}`));
        else resolve();
      });
    });
  }

  get #socket(): string | undefined {
    return this.#environment['NOTIFY_SOCKET'] || undefined;
  }
}
