/**
 * Takes a backup every so many hours while the daemon runs, and keeps the newest. The work is done by the `gate`
 * command as a process of its own: encryption takes memory that the daemon does not have.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Health } from '../core/health.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/logger.ts';
import { backupsIn } from './rotation.ts';

const HOUR_MS = 3_600_000;
/** The start of the daemon has more urgent work; many boxes come up together after a power cut. */
const FIRST_DELAY_MS = 5 * 60_000;
const TIMEOUT_MS = HOUR_MS;
const RETRY = { minMs: 5 * 60_000, maxMs: 6 * HOUR_MS };
const SAID_MAX_CHARS = 2_000;
const PART = 'backup';

export interface BackupSchedule {
  folder: string;
  /** Of age: `age1…`. */
  recipient: string;
  everyHours: number;
  keep: number;
  readings: boolean;
}

export interface ScheduledBackupsParts {
  schedule: BackupSchedule;
  /** The `gate` command: the file and the Node that runs it. */
  cliPath: string;
  nodePath: string;
  environment: Record<string, string | undefined>;
  dataFolder: string;
  health: Health;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  random: () => number;
  firstDelayMs?: number;
}

export class ScheduledBackups {
  readonly #parts: ScheduledBackupsParts;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;

  constructor(parts: ScheduledBackupsParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#parts.health.report(PART, 'running');
    const { firstDelayMs = FIRST_DELAY_MS, random } = this.#parts;
    const jittered = firstDelayMs * (1 + random());
    this.#plan(Math.max(jittered, await this.#dueInMs()));
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#running;
  }

  #plan(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    // a timer takes 24 days at most
    this.#timer = setTimeout(
      () => {
        this.#running = this.#run();
      },
      Math.min(delayMs, 24 * 24 * HOUR_MS),
    );
  }

  async #run(): Promise<void> {
    const { health, logger, schedule } = this.#parts;
    try {
      await this.#take();
      this.#failures = 0;
      health.report(PART, 'running');
      logger.info({ folder: schedule.folder }, 'a backup was taken');
      this.#plan(schedule.everyHours * HOUR_MS);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const { message } = error as Error;
      health.report(PART, 'degraded', `the last backup failed: ${message}`);
      this.#plan(backoffMs(this.#failures, { ...RETRY, random: this.#parts.random }));
      this.#failures += 1;
    }
  }

  async #take(): Promise<void> {
    const { schedule, cliPath, nodePath, environment, dataFolder } = this.#parts;
    const words = ['backup', '--into', schedule.folder, '--keep', String(schedule.keep)];
    const child = spawn(
      nodePath,
      [cliPath, ...words, '--recipient', schedule.recipient, ...(schedule.readings ? ['--readings'] : [])],
      {
        env: {
          PATH: environment['PATH'],
          CONFIG_FOLDER: environment['CONFIG_FOLDER'],
          DATA_FOLDER: dataFolder,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      },
    );
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-SAID_MAX_CHARS);
    });
    const [code, signal] = await once(child, 'close');
    if (code !== 0) throw new Error(said.trim() || `it ended with ${code ?? signal}`);
  }

  /** Since the newest that is there; at once where there is none, or its folder cannot be read. */
  async #dueInMs(): Promise<number> {
    const { schedule, now } = this.#parts;
    const [newest] = await backupsIn(schedule.folder).catch(() => []);
    if (newest === undefined) return 0;
    const taken = await stat(join(schedule.folder, newest)).catch(() => undefined);
    return taken === undefined ? 0 : Math.max(0, taken.mtimeMs + schedule.everyHours * HOUR_MS - now());
  }
}
