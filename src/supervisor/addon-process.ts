/**
 * One add-on as a child process. It leads its own process group: what it started goes when it goes. `exited`
 * resolves once the group is gone, its output is read and its record is removed.
 */
import type { ChildProcess } from 'node:child_process';
import { pause } from '../lib/deadline.ts';
import type { AddonOutput } from './addon-output.ts';
import { killGroup } from './run-record.ts';
import type { AddonExit, RunningAddon } from './runtime.ts';

/** A process that left the group may hold the pipes open; nobody waits longer for it. */
const DRAIN_MS = 500;

export class AddonProcess implements RunningAddon {
  readonly describe: string;
  readonly exited: Promise<AddonExit>;
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #stopMs: number;
  #stopping: Promise<void> | undefined;

  constructor(parts: {
    child: ChildProcess;
    pid: number;
    output: AddonOutput;
    stopMs: number;
    /** Done after the exit; must not reject. */
    afterExit: () => Promise<void>;
  }) {
    const { child, pid, output, afterExit } = parts;
    this.#child = child;
    this.#pid = pid;
    this.#stopMs = parts.stopMs;
    this.describe = `process ${pid}`;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    this.exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }).then(async ({ code, signal }) => {
      killGroup(pid);
      output.hurry();
      const drained = new AbortController();
      void closed.then(() => drained.abort());
      await pause(DRAIN_MS, drained.signal);
      output.end();
      await afterExit();
      return { code, signal, lastWords: output.lastWords() };
    });
  }

  stop(graceMs = this.#stopMs): Promise<void> {
    this.#stopping ??= this.#end(graceMs);
    return this.#stopping;
  }

  async #end(graceMs: number): Promise<void> {
    this.#child.kill('SIGTERM');
    const gone = new AbortController();
    this.#child.once('exit', () => gone.abort());
    if (this.#running()) await pause(graceMs, gone.signal);
    if (this.#running()) killGroup(this.#pid);
    await this.exited;
  }

  #running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}
