/** What a benchmark is to the runner, and what it leaves behind for the report. */
import type { Scope } from './scope.ts';

/** What a benchmark is given: a scope that ends with it, and how thorough it may be. */
export interface Bench {
  scope: Scope;
  /** A quick look: shorter runs and smaller stores, whose figures say less. */
  short: boolean;
  say: (line: string) => void;
}

export interface Benchmark {
  name: string;
  run: (bench: Bench) => Promise<Section>;
}

/** Rows of cells; the first row is the head. */
export interface Table {
  title: string;
  rows: string[][];
}

/** What the project sets out to reach, beside what was measured. */
export interface Aim {
  what: string;
  aim: string;
  measured: string;
  met: boolean;
}

export interface Section {
  title: string;
  aims: Aim[];
  tables: Table[];
  /** What is worth knowing of this run. */
  notes: string[];
  /** How each figure is measured. */
  how: string[];
}
