/**
 * The port behind which an add-on runs: as a child process, or in a container. The supervisor decides when an
 * add-on starts and ends; a runtime knows how.
 */
import type { AddonLogin } from '../core/ports.ts';
import type { AddonPackage } from '../core/protocols/protocols.ts';

/** One run of an add-on. */
export interface AddonSpec {
  slug: string;
  addon: AddonPackage;
  login: AddonLogin;
  /** What starts holds this token already, from an earlier run of the daemon: it counts, and that of `login` does not. */
  readmit(token: string): void;
}

/** How a run ended. */
export interface AddonExit {
  code: number | null;
  signal: string | null;
  /** What it wrote last to its standard error, where that says why it ended; else empty. */
  lastWords: string;
  /** Why it ended, where the runtime knows better than code and signal say. */
  reason?: string;
}

export interface RunningAddon {
  /** What it runs as, for the log: `process 4711`. */
  readonly describe: string;
  /** Resolves when it is gone, whoever ended it, and all it has written is read. Never rejects. */
  readonly exited: Promise<AddonExit>;
  /** Asks it to end, forces it after `graceMs` (or the runtime's own deadline), resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
  /** Where it can live on without this daemon: it is followed no further, and the next daemon finds it. */
  release?(): Promise<void>;
}

export interface AddonRuntime {
  /** Why an add-on cannot run here at all, whatever its state; undefined when it can. */
  refusal(addon: AddonPackage): string | undefined;
  /**
   * Resolves once the add-on runs; `signal` gives up a start that is still waiting for something.
   * @throws GatewayError whose message says why it could not be started
   */
  start(spec: AddonSpec, signal: AbortSignal): Promise<RunningAddon>;
}
