/**
 * What a scenario of the fault suite is to its runner. It breaks something on purpose, over and over, and looks each
 * time at whether the promises held; the first that did not ends it with a `FaultFound`. A new one is a file beside
 * this one and a line in `scripts/faults.ts`.
 */
import type { Scope } from '../bench/scope.ts';
import type { PeerName } from '../peers/peers.ts';
import type { Random } from './random.ts';

/** What a scenario is given. All that it starts belongs to the scope, and ends with it. */
export interface FaultRun {
  scope: Scope;
  /** The only chance there is: the same seed chooses the same faults in the same order. */
  random: Random;
  /** The chance of one of several parts that know nothing of each other: a run whose seed is greater by `part` begins with it. */
  randomOf: (part: number) => Random;
  /** The long form: hours in place of a minute. */
  long: boolean;
  /** Ends when the scenario must: it has failed by being late, or somebody interrupts. */
  signal: AbortSignal;
  /** Whether no further fault is to be begun: it must end, or has had the time that it was given. */
  isOver: () => boolean;
  /** A line on the terminal; the last one is shown again where the scenario fails. */
  say: (line: string) => void;
}

/** What came of it where everything held. */
export interface Survived {
  /** Faults that were made. */
  faults: number;
  /** How many the form has, where the scenario may be over before. */
  planned?: number;
  /** What was counted on the way, in the order of the report: `{'readings acknowledged': 12_345}`. */
  counts: Record<string, number | string>;
}

export interface Scenario {
  /** In kebab case: what `--only` takes. */
  name: string;
  /** One line for the report: what is broken. */
  breaks: string;
  /** One line for the report: what must hold all the same. */
  holds: string;
  /** A form that takes longer has failed. */
  boundMs: { short: number; long: number };
  /**
   * It mounts file systems that are cut off and mounted anew, or starts containers. The two are not run side by side: a
   * container that is being made holds every file system that is mounted, and one that was cut off is mounted anew as it was.
   */
  uses?: 'mounts' | 'containers';
  /** Programs of others that it runs with: installed before, where they can be. */
  peers?: readonly PeerName[];
  /** Why it cannot be run here, in words; undefined where it can. */
  obstacle?: () => string | undefined;
  /** @throws FaultFound */
  run: (run: FaultRun) => Promise<Survived>;
}

/** A promise did not hold: the words say which, and what was seen; `part`: in which part of the run, as `randomOf` has it. */
export class FaultFound extends Error {
  override readonly name = 'FaultFound';
  readonly part: number;

  constructor(words: string, { part = 0, cause }: { part?: number; cause?: unknown } = {}) {
    super(words, { cause });
    this.part = part;
  }
}

/** @throws FaultFound unless it holds */
export function demand(holds: boolean, words: string | (() => string)): asserts holds {
  if (!holds) throw new FaultFound(typeof words === 'string' ? words : words());
}
