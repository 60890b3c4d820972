/** gate and mosquitto as a bridge, each with readings that have waited for the cloud. */
import { installPeers } from '../../peers/peers.ts';
import type { Bench } from '../benchmark.ts';
import { bridgeRun } from '../cloud-bridge.ts';
import { killedRelay, relayRun } from '../cloud-runs.ts';
import { count } from '../units.ts';
import { type Contest, type Figures, GATE, roundOf } from './contest.ts';

const LOST = 'lost at SIGKILL in an outage';
const DRAINED = 'backlog drained, readings/s';

type Side = (bench: Bench) => Promise<Figures>;

const outageOf = ({ short }: Bench) => (short ? 1_000 : 10_000);

const gate: Side = async (bench) => {
  const lost = await killedRelay(bench, outageOf(bench));
  const { perSecond } = await relayRun(bench, { backlog: bench.short ? 100_000 : 500_000, aws: false });
  return new Map([
    [LOST, lost],
    [DRAINED, perSecond],
  ]);
};

const bridge =
  (autosave: boolean): Side =>
  async (bench) => {
    const outage = outageOf(bench);
    const { lost, perSecond } = await bridgeRun(bench, outage, autosave);
    return new Map([
      [LOST, lost],
      // of one that has nothing left
      [DRAINED, lost === outage ? Number.NaN : perSecond],
    ]);
  };

const SIDES: readonly (readonly [string, Side])[] = [
  [GATE, gate],
  ['mosquitto as a bridge, with persistence', bridge(false)],
  ['mosquitto as a bridge, autosave_on_changes', bridge(true)],
];

async function prepared(bench: Bench) {
  const missing = installPeers(['mosquitto', 'openssl']);
  if (missing.length > 0) throw new Error(missing.join('; '));
  return (nth: number) => roundOf(bench, SIDES, nth);
}

export const relayContest: Contest = {
  name: 'relay',
  title: 'To the cloud, with a backlog',
  figures: [
    { name: LOST, show: count },
    { name: DRAINED, show: count, more: true },
  ],
  how: [
    'As in the benchmark `cloud` below: 10,000 readings (1,000 in the short form) acknowledged while the cloud is away, then SIGKILL and a new start; the backlog of gate that is drained has 500,000 (100,000), without limits.',
  ],
  prepare: prepared,
};
