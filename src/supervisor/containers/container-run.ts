/**
 * One add-on in a container, from its start (or its being found running) to its end. That it ended is told by the
 * engine's events; `exited` resolves when its log is read. The container itself stays, to be started again.
 */
import type { Logger } from '../../lib/logger.ts';
import type { AddonExit, RunningAddon } from '../runtime.ts';
import { STOP_SECONDS } from './container-descriptor.ts';
import type { ContainerLog } from './container-log.ts';
import type { Engine } from './engine.ts';

/** The rest of a log is waited for so long. */
const DRAIN_MS = 2_000;

export interface ContainerRunParts {
  engine: Engine;
  slug: string;
  container: { id: string; name: string };
  memoryMb: number;
  log: ContainerLog;
  logger: Logger;
  /** It has ended, or is followed no further. */
  onOver: () => void;
}

export class ContainerRun implements RunningAddon {
  readonly describe: string;
  readonly exited: Promise<AddonExit>;
  readonly #parts: ContainerRunParts;
  readonly #ended = Promise.withResolvers<AddonExit>();
  #over = false;
  #failing: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: ContainerRunParts) {
    this.#parts = parts;
    this.describe = `container ${parts.container.name}`;
    this.exited = this.#ended.promise;
    void parts.log.follow();
  }

  get containerId(): string {
    return this.#parts.container.id;
  }

  /** Something may have happened that was not told: looks whether it still runs, and reads its log on. */
  async look(): Promise<void> {
    const { engine, container, log } = this.#parts;
    if (this.#over) return;
    const found = await engine.inspect(container.id);
    if (found?.State.Running) void log.follow();
    else await this.noteEnd();
  }

  /** The engine says that it has ended. */
  async noteEnd(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { engine, container, log, memoryMb, onOver } = this.#parts;
    await log.drain(DRAIN_MS);
    const state = await engine.inspect(container.id).then(
      (found) => found?.State,
      () => undefined,
    );
    const code = state?.ExitCode ?? null;
    let reason = this.#failing;
    if (!state) reason ??= 'its container is gone';
    else if (state.OOMKilled)
      reason ??= `it took more memory than it may have, ${memoryMb} MB, and was killed`;
    else if (code === 137) reason ??= 'it was killed (SIGKILL)';
    onOver();
    this.#ended.resolve({
      code,
      signal: null,
      lastWords: log.lastWords(),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** It runs, but not well: ended, for this reason. */
  async fail(reason: string): Promise<void> {
    if (this.#over || this.#failing !== undefined) return;
    this.#failing = reason;
    await this.stop();
  }

  stop(graceMs = STOP_SECONDS * 1_000): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  /** Lets it run, for the daemon that comes. */
  async release(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#parts.log.close();
    this.#parts.onOver();
  }

  async #stop(graceMs: number): Promise<void> {
    const { engine, slug, container, logger } = this.#parts;
    if (!this.#over) {
      await engine.stopContainer(container.id, Math.ceil(graceMs / 1_000)).catch((error: unknown) => {
        // the next start finds it, running or not
        logger.warn({ addon: slug, err: error }, 'its container could not be stopped');
      });
      await this.noteEnd();
    }
    await this.exited;
  }
}
