/** gate and InfluxDB, holding the same readings of a house, asked the same. */
import type { Bench } from '../benchmark.ts';
import { kindsFor, measure, startHouses } from '../history.ts';
import { quantile } from '../quantiles.ts';
import { ms } from '../units.ts';
import { type Contest, type Figures, GATE } from './contest.ts';

const PEER = 'InfluxDB 1.6';
const QUANTILES = [0.5, 0.99] as const;
const nameOf = (kind: string, q: number) => `${kind}, p${q * 100}`;
/** The names alone, of a house that there is not. */
const KINDS = kindsFor({ ids: [], firstTs: 0, lastTs: 0, ms: 0 }).map(({ name }) => name);

async function prepared(bench: Bench) {
  const houses = await startHouses(bench);
  bench.scope.defer(() => houses.stop());
  return async () => {
    const [ours, theirs] = [new Map<string, number>(), new Map<string, number>()];
    for (const kind of kindsFor(houses.filled)) {
      const { gate, influx } = await measure(kind, houses);
      for (const q of QUANTILES) {
        ours.set(nameOf(kind.name, q), quantile(gate, q));
        theirs.set(nameOf(kind.name, q), quantile(influx, q));
      }
    }
    return new Map<string, Figures>([
      [GATE, ours],
      [PEER, theirs],
    ]);
  };
}

export const historyContest: Contest = {
  name: 'history',
  title: 'History: queries of one attribute over HTTP',
  figures: KINDS.flatMap((kind) =>
    QUANTILES.map((q) => ({
      name: nameOf(kind, q),
      show: ms,
      why: 'the answer repeats device, attribute and metadata with each value, as dojot’s form has it',
    })),
  ),
  how: [
    'As in the benchmark `history` below, 5,000,000 readings (1,000,000 in the short form): every request to one side is followed by the same to the other, and both answers are compared.',
  ],
  prepare: prepared,
};
