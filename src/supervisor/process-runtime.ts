/**
 * Runs add-ons as children of the daemon, by the daemon's own Node and without a shell. A child sees a minimal
 * environment, works in a data folder of its own, and learns from the end of its standard input that the daemon
 * is gone. Only one process of an add-on runs at a time, also after the daemon was killed.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { ORPHAN_EXIT_MS } from '../contract/limits.ts';
import type { AddonPackage } from '../core/protocols/protocols.ts';
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import { AddonOutput, type OnLine, OUTPUT_LIMITS, type OutputLimits } from './addon-output.ts';
import { AddonProcess } from './addon-process.ts';
import { entryCandidates, realInnerPath } from './inner-path.ts';
import { awaitEnd, RunRecords } from './run-record.ts';
import type { AddonRuntime, AddonSpec, RunningAddon } from './runtime.ts';

export interface ProcessLimits {
  /** From SIGTERM to SIGKILL. */
  stopMs: number;
  /** How long a process of an earlier daemon may take to notice and end by itself. */
  orphanMs: number;
  output: OutputLimits;
}

export const PROCESS_LIMITS: ProcessLimits = {
  stopMs: 5_000,
  orphanMs: ORPHAN_EXIT_MS,
  output: OUTPUT_LIMITS,
};

/** What a child may see of the daemon's environment. */
const PASSED_ON = ['PATH', 'TZ', 'LANG', 'NODE_COMPILE_CACHE'];

export interface ProcessRuntimeParts {
  /** The Node that runs the daemon: `process.execPath`. */
  nodePath: string;
  /** The daemon's environment; few of it are passed on. */
  environment: Readonly<Record<string, string | undefined>>;
  dataFolder: string;
  /** Hears every line an add-on writes, within the limits. */
  onLine: OnLine;
  logger: Logger;
  limits?: ProcessLimits;
}

type AddonChild = ChildProcessByStdio<Writable, Readable, Readable>;

export class ProcessRuntime implements AddonRuntime {
  readonly #parts: ProcessRuntimeParts;
  readonly #limits: ProcessLimits;
  readonly #records: RunRecords;

  constructor(parts: ProcessRuntimeParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? PROCESS_LIMITS;
    this.#records = new RunRecords(join(parts.dataFolder, 'run'), (words) =>
      parts.logger.warn(`${words}. A process that an earlier run has left is not ended for it`),
    );
  }

  refusal({ manifest }: AddonPackage): string | undefined {
    if (manifest.runtime.process) return undefined;
    const runtimes = Object.keys(manifest.runtime);
    const has = runtimes.length > 0 ? `only ${runtimes.join(' and ')}` : 'none at all';
    return `it cannot run as a process: its manifest has no "process" runtime, ${has}`;
  }

  async start(spec: AddonSpec, signal: AbortSignal): Promise<RunningAddon> {
    const entry = await this.#entry(spec.addon);
    const dataFolder = await this.#dataFolder(spec.slug);
    await this.#endOrphan(spec.slug, signal);
    signal.throwIfAborted();
    const child = this.#spawn(spec, entry, dataFolder);
    const pid = child.pid;
    if (pid === undefined) throw cannotStart((await once(child, 'error'))[0]);
    return this.#watch(spec.slug, child, pid);
  }

  /** The module to run; where only its compiled form lies in the folder, that. */
  async #entry({ folder, manifest }: AddonPackage): Promise<string> {
    const process = manifest.runtime.process;
    if (!process)
      throw new GatewayError('addonUnavailable', 'it cannot be started: it has no "process" runtime');
    const candidates = entryCandidates(process.entry);
    for (const candidate of candidates) {
      const path = await realInnerPath(folder, candidate).catch((error: unknown) => {
        throw cannotStart(error);
      });
      if (path !== undefined) return path;
    }
    throw new GatewayError(
      'addonUnavailable',
      `it cannot be started: there is no ${candidates.join(' nor ')} in ${folder}`,
    );
  }

  async #dataFolder(slug: string): Promise<string> {
    const folder = join(this.#parts.dataFolder, 'addons-data', slug);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    } catch (error) {
      throw cannotStart(error);
    }
  }

  /** An earlier daemon's process of this add-on may still hold its port: it goes before a new one comes. */
  async #endOrphan(slug: string, signal: AbortSignal): Promise<void> {
    const orphan = await this.#records.survivor(slug);
    if (!orphan) return;
    const log = this.#parts.logger.child({ addon: slug, pid: orphan.pid });
    log.warn('a process of an earlier run is still there; waiting for it to end');
    const end = await awaitEnd(orphan, this.#limits.orphanMs, signal);
    signal.throwIfAborted();
    if (end === 'remains') {
      throw new GatewayError(
        'addonUnavailable',
        `process ${orphan.pid} of an earlier run is still there and cannot be ended`,
      );
    }
    if (end === 'killed')
      log.warn({ afterMs: this.#limits.orphanMs }, 'it did not end by itself and was killed');
    else log.info('it has ended by itself');
  }

  #spawn({ slug, addon, login }: AddonSpec, entry: string, dataFolder: string): AddonChild {
    const { nodePath, environment } = this.#parts;
    const env: Record<string, string> = {};
    for (const name of PASSED_ON) {
      const value = environment[name];
      if (value !== undefined) env[name] = value;
    }
    Object.assign(env, {
      GATE_BROKER_URL: login.brokerUrl,
      GATE_ADDON: slug,
      GATE_ADDON_TOKEN: login.token,
      GATE_DATA_FOLDER: dataFolder,
      GATE_STDIN_LIFELINE: '1',
    });
    const flags = [
      '--max-semi-space-size=1', // short-lived garbage only: a small young heap costs little and saves megabytes
      '--v8-pool-size=1', // each helper thread of the engine keeps memory of its own
      `--max-old-space-size=${addon.manifest.runtime.process?.memoryMb}`,
    ];
    try {
      return spawn(nodePath, [...flags, entry], {
        cwd: dataFolder,
        env,
        shell: false,
        // a group of its own: Ctrl-C in a terminal reaches only the daemon, and the group can be ended as a whole
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
    } catch (error) {
      throw cannotStart(error);
    }
  }

  async #watch(slug: string, child: AddonChild, pid: number): Promise<RunningAddon> {
    const { onLine, logger } = this.#parts;
    child.on('error', (error) => logger.warn({ addon: slug, err: error }, 'a signal could not be sent'));
    child.stdin.on('error', () => undefined); // nothing is ever written: only its end counts
    const output = new AddonOutput({ slug, onLine, limits: this.#limits.output });
    output.follow(child.stdout, 'LOG');
    output.follow(child.stderr, 'ERR');
    const onRecordError = (error: unknown) =>
      logger.warn({ addon: slug, err: error }, 'the record of its process could not be kept');
    const recorded = this.#records.save(slug, pid).catch(onRecordError);
    const running = new AddonProcess({
      child,
      pid,
      output,
      stopMs: this.#limits.stopMs,
      afterExit: () => recorded.then(() => this.#records.remove(slug)).catch(onRecordError),
    });
    await recorded;
    return running;
  }
}

function cannotStart(error: unknown): GatewayError {
  const message = error instanceof Error ? error.message : String(error);
  return new GatewayError('addonUnavailable', `it cannot be started: ${message}`, { cause: error });
}
