/**
 * A daemon as systemd's service: ready, stopping, and alive only while it gets on. A timer alone would say "alive" of a
 * daemon whose parts hang: each sign of life is asked for anew from them, through this event loop.
 */
import { pause, withDeadline } from './deadline.ts';
import type { Logger } from './logger.ts';
import { SystemdNotify } from './systemd-notify.ts';

/** Of the time that systemd waits: one sign of life may be lost. */
const SIGN_EVERY = 1 / 3;

/** A part that the daemon cannot work without. `getOn` resolves when it has done a piece of its work. */
export interface Progressing {
  name: string;
  getOn: () => Promise<void>;
}

export interface ServiceManagerParts {
  environment: Record<string, string | undefined>;
  /** What is ready then, in words for `systemctl status`. */
  status: string;
  parts: readonly Progressing[];
  logger: Logger;
}

export class ServiceManager {
  readonly #notify: SystemdNotify;
  readonly #parts: ServiceManagerParts;
  readonly #stopped = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(parts: ServiceManagerParts) {
    this.#parts = parts;
    this.#notify = new SystemdNotify(parts.environment);
  }

  /** Says that the daemon is ready, and from then on that it lives. */
  async start(): Promise<void> {
    const { logger, status } = this.#parts;
    // not being able to say it ends in systemd's own deadline
    await this.#notify
      .send('READY=1', `STATUS=${status}`)
      .catch((error) => logger.error({ err: error }, 'systemd was not told'));
    const watchdogMs = this.#notify.watchdogMs;
    if (watchdogMs !== undefined) this.#watching = this.#watch(watchdogMs * SIGN_EVERY);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
    await this.#notify.send('STOPPING=1').catch(() => undefined);
  }

  async #watch(everyMs: number): Promise<void> {
    const { logger } = this.#parts;
    for (;;) {
      await pause(everyMs, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      const hanging = await this.#firstHanging(everyMs);
      try {
        if (hanging === undefined) await this.#notify.send('WATCHDOG=1');
        else logger.error({ part: hanging }, `${hanging} does not get on: systemd gets no sign of life`);
      } catch (error) {
        logger.error({ err: error }, 'systemd got no sign of life');
      }
    }
  }

  async #firstHanging(withinMs: number): Promise<string | undefined> {
    for (const { name, getOn } of this.#parts.parts) {
      try {
        await withDeadline(getOn(), withinMs, name);
      } catch {
        return name;
      }
    }
    return undefined;
  }
}
