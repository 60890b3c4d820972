/**
 * What `npm run bench:peers` compares: gate and what one would run instead of it, on the same inputs, the sides one
 * after the other within each round and in another order in the next.
 */
import type { Bench } from '../benchmark.ts';
import { median } from '../quantiles.ts';
import { Scope } from '../scope.ts';
import { ratio } from '../units.ts';

export const GATE = 'gate';

export interface Figure {
  name: string;
  show: (value: number) => string;
  /** More is better. */
  more?: boolean;
  /** Why gate stays behind in it, where it does. */
  why?: string;
}

/** What one side came to in one round, by the names of the figures; NaN is left out. */
export type Figures = ReadonlyMap<string, number>;

/** One round: each side by its name. */
export type Round = ReadonlyMap<string, Figures>;

export interface Contest {
  name: string;
  title: string;
  figures: readonly Figure[];
  how: readonly string[];
  /** Starts what all rounds need. @returns what measures one round */
  prepare: (bench: Bench) => Promise<(nth: number) => Promise<Round>>;
}

/** The sides in the order of this round: each begins as often as the others. */
export function inTurn<T>(sides: readonly T[], nth: number): T[] {
  const first = nth % sides.length;
  return [...sides.slice(first), ...sides.slice(0, first)];
}

/** One round of sides that share nothing: what one leaves running would cost the next one. */
export async function roundOf(
  bench: Bench,
  sides: readonly (readonly [name: string, measure: (bench: Bench) => Promise<Figures>])[],
  nth: number,
): Promise<Round> {
  const round = new Map<string, Figures>();
  for (const [name, measure] of inTurn(sides, nth)) {
    bench.say(name);
    const scope = new Scope();
    bench.scope.defer(() => scope.end());
    round.set(name, await measure({ ...bench, scope }));
    await scope.end();
  }
  return round;
}

interface Spread {
  median: number;
  least: number;
  most: number;
}

function spreadOf(rounds: readonly Round[], side: string, figure: string): Spread | undefined {
  const values = rounds
    .map((round) => round.get(side)?.get(figure))
    .filter((value) => value !== undefined && !Number.isNaN(value)) as number[];
  if (values.length === 0) return undefined;
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export interface Compared {
  figure: Figure;
  /** What one would run instead. */
  peer: string;
  ours: Spread;
  theirs: Spread;
  behind: boolean;
}

/** Each figure beside that of each peer that has it. */
export function compared({ figures }: Contest, rounds: readonly Round[]): Compared[] {
  const peers = [...(rounds[0]?.keys() ?? [])].filter((side) => side !== GATE).sort();
  return figures.flatMap((figure) =>
    peers.flatMap((peer) => {
      const ours = spreadOf(rounds, GATE, figure.name);
      const theirs = spreadOf(rounds, peer, figure.name);
      if (ours === undefined || theirs === undefined) return [];
      const behind = figure.more ? ours.median < theirs.median : ours.median > theirs.median;
      return [{ figure, peer, ours, theirs, behind }];
    }),
  );
}

/** Median, and in parentheses the least and the most of the rounds. */
const shown = ({ median: middle, least, most }: Spread, { show }: Figure) =>
  `${show(middle)} (${show(least)} – ${show(most)})`;

export const HEAD = ['', GATE, 'beside', '', 'gate to it', ''];

export const rowOf = ({ figure, peer, ours, theirs, behind }: Compared): string[] => [
  figure.name,
  shown(ours, figure),
  peer,
  shown(theirs, figure),
  ratio(ours.median, theirs.median),
  behind ? '**behind**' : '',
];
