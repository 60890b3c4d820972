/** A gateway as it is shipped, in a folder of its own, that is killed and started again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon } from '../../test/support/daemon.ts';
import type { LocalApi } from '../../test/support/local-api.ts';
import { ended, type Scope } from '../bench/scope.ts';
import { freePort } from '../peers/free-port.ts';
import { BUILT } from './built.ts';
import type { ReadyTimes } from './ready-times.ts';
import { FaultFound } from './scenario.ts';

/** A start that takes longer is one that hangs. */
const START_MS = 30_000;
const LAST_LINES = 15;

export interface HouseParts {
  scope: Scope;
  ready: ReadyTimes;
  folder: string;
  environment?: Record<string, string>;
}

export class FaultHouse {
  readonly folder: string;
  readonly brokerPort: number;
  readonly #parts: HouseParts;
  #daemon: Daemon | undefined;
  #isLeft = false;

  private constructor(parts: HouseParts, brokerPort: number) {
    this.#parts = parts;
    this.folder = parts.folder;
    this.brokerPort = brokerPort;
    parts.scope.defer(async () => {
      this.#isLeft = true;
      if (this.#daemon) await ended(this.#daemon.process);
    });
  }

  /** It is not started. */
  static async at(parts: HouseParts): Promise<FaultHouse> {
    return new FaultHouse(parts, await freePort());
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error('the daemon was not started');
    return this.#daemon;
  }

  get isRunning(): boolean {
    const child = this.#daemon?.process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get api(): LocalApi {
    return this.daemon.api;
  }

  get storePath(): string {
    return join(this.folder, 'gate.db');
  }

  /** Not waited for. `within`: as `Daemon` has it. */
  spawn(within: readonly string[] = [], environment: Record<string, string> = {}): Daemon {
    // a scenario that was given up begins nothing any more
    if (this.#isLeft) throw new Error('the scenario is over');
    this.#daemon = Daemon.spawn({
      dataFolder: this.folder,
      built: BUILT,
      within,
      environment: {
        LOG_LEVEL: 'info',
        RATE_LIMIT_ANONYMOUS: '0',
        LOCAL_BROKER_PORT: String(this.brokerPort),
        ...this.#parts.environment,
        ...environment,
      },
    });
    return this.#daemon;
  }

  /** @throws FaultFound when it ends, or hangs */
  async start(within: readonly string[] = [], environment: Record<string, string> = {}): Promise<void> {
    const startedAt = performance.now();
    const daemon = this.spawn(within, environment);
    const isUp = () => daemon.log.some(({ msg }) => msg.startsWith('gate is up'));
    let end: number | string | undefined;
    void daemon.exited.then((code) => {
      end = code;
    });
    while (!isUp()) {
      if (end !== undefined)
        throw new FaultFound(`the daemon ended with ${end} in place of starting: ${daemon.errors}`);
      if (performance.now() - startedAt > START_MS)
        throw new FaultFound(`the daemon did not start within ${START_MS} ms:\n${this.lastWords()}`);
      await new Promise((wake) => setTimeout(wake, 5));
    }
    const { status } = await daemon.api.call('GET', '/health/ready');
    if (status !== 200) throw new FaultFound(`the daemon has started and is not ready:\n${this.lastWords()}`);
    this.#parts.ready.add(performance.now() - startedAt, waitedMs(daemon.process.pid));
  }

  /** The process that an add-on runs as, as the daemon noted it; undefined where there is none. */
  addonPid(slug: string): number | undefined {
    try {
      const note = JSON.parse(readFileSync(join(this.folder, 'run', `${slug}.json`), 'utf8'));
      process.kill(note.pid, 0);
      return note.pid as number;
    } catch {
      return undefined;
    }
  }

  lastWords(): string {
    return this.daemon.log
      .slice(-LAST_LINES)
      .map(({ level, msg }) => `  ${level} ${msg}`)
      .join('\n');
  }
}

/** How long its main thread could have run and had no processor; proc(5), the second figure of `schedstat`. */
function waitedMs(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
