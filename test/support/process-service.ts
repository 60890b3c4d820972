/** A daemon that is a process and no more, in the place of systemd's service: its id is kept in a file. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayService } from '../../src/updater/service.ts';

const LOOK_EVERY_MS = 10;
/** Its id is noted by itself: whoever starts it may be killed at any time. */
const NOTING = 'echo $$ > "$1"; shift; exec "$@"';

export interface DaemonCommand {
  words: readonly string[];
  options: SpawnOptions;
}

export class ProcessService implements GatewayService {
  readonly #idFile: string;
  readonly #command: () => DaemonCommand;

  /** @param command of the daemon as it is installed just now; it outlives whoever starts it. Files that it is given are closed here */
  constructor(idFile: string, command: () => DaemonCommand) {
    this.#idFile = idFile;
    this.#command = command;
  }

  /** As systemd: what runs already is not started once more. */
  start = async (): Promise<void> => {
    if (runningIn(this.#idFile) !== undefined) return;
    rmSync(this.#idFile, { force: true });
    const { words, options } = this.#command();
    const daemon = spawn('/bin/sh', ['-c', NOTING, 'sh', this.#idFile, ...words], {
      ...options,
      detached: true,
    });
    await once(daemon, 'spawn');
    const given = new Set([options.stdio].flat().filter((each) => typeof each === 'number'));
    for (const file of given) closeSync(file);
    daemon.unref();
    const hasEnded = () => daemon.exitCode !== null || daemon.signalCode !== null;
    while (!hasEnded() && runningIn(this.#idFile) === undefined) await pause(LOOK_EVERY_MS);
  };

  stop = async (): Promise<void> => {
    const id = runningIn(this.#idFile);
    try {
      if (id !== undefined) process.kill(id, 'SIGTERM');
    } catch {
      // it has ended meanwhile
    }
    while (runningIn(this.#idFile) !== undefined) await pause(LOOK_EVERY_MS);
    rmSync(this.#idFile, { force: true });
  };

  /** Nobody starts it again here: systemd would, and would count. */
  look = async (): Promise<{ restarts: number; processId: number }> => {
    const processId = runningIn(this.#idFile);
    return { restarts: processId === undefined ? Number.POSITIVE_INFINITY : 0, processId: processId ?? 0 };
  };

  takeFiles = async (): Promise<void> => {};
}

/** The process whose id is kept there; undefined where it has ended. */
export function runningIn(idFile: string): number | undefined {
  if (!existsSync(idFile)) return undefined;
  const id = Number(readFileSync(idFile, 'utf8'));
  try {
    // proc(5): the state follows the name, which is in brackets; one that was not waited for yet is a zombie
    return /\) Z /.test(readFileSync(`/proc/${id}/stat`, 'utf8')) ? undefined : id;
  } catch {
    return undefined;
  }
}
