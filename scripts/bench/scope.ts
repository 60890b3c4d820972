/**
 * Everything a benchmark starts or makes, ended in reverse order when it is over, however it ends: processes are gone
 * before the folders they write to.
 */
import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Daemon } from '../../test/support/daemon.ts';

const BUILT = resolve(import.meta.dirname, '../../dist');

/** From SIGTERM to SIGKILL: longer than the daemon gives itself. */
const STOP_MS = 12_000;

export class Scope {
  readonly #stack = new AsyncDisposableStack();

  end(): Promise<void> {
    return this.#stack.disposeAsync();
  }

  defer(end: () => Promise<void> | void): void {
    this.#stack.defer(end);
  }

  /** An empty folder in TMPDIR, which must be on a disk. */
  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'gate-bench-'));
    this.#stack.defer(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
    return path;
  }

  /** The built daemon with the settings of a release, in `dataFolder`; not waited for. */
  spawnDaemon(dataFolder: string, environment: Record<string, string> = {}): Daemon {
    const daemon = Daemon.spawn({
      dataFolder,
      built: BUILT,
      environment: { LOG_LEVEL: 'info', RATE_LIMIT_ANONYMOUS: '0', ...environment },
    });
    this.#stack.defer(() => ended(daemon.process));
    return daemon;
  }

  /** A program that talks to this one over `process.send`. Its standard error is shown. */
  fork(file: string, args: readonly string[] = [], flags: readonly string[] = []): Channel {
    const child = fork(join(import.meta.dirname, file), args, {
      execArgv: [...process.execArgv, ...flags],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#stack.defer(() => ended(child));
    return new Channel(child);
  }

  /** A program that is not Node; what it writes is not shown. */
  program(path: string, args: readonly string[]): ChildProcess {
    const child = spawn(path, args, { stdio: 'ignore' });
    this.#stack.defer(() => ended(child));
    return child;
  }

  spawn(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
    this.#stack.defer(() => ended(child));
    return child;
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(timer);
}

/** One question at a time to a forked program, and its answer. */
export class Channel {
  readonly process: ChildProcess;

  constructor(process: ChildProcess) {
    this.process = process;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  ask<T>(question: object): Promise<T> {
    this.process.send(question);
    return this.next<T>();
  }

  /** @throws when the program ends instead of answering */
  next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = (code: number | null) => reject(new Error(`a part of the benchmark ended with ${code}`));
      this.process.once('exit', gone);
      this.process.once('message', (answer) => {
        this.process.off('exit', gone);
        resolve(answer as T);
      });
    });
  }
}
