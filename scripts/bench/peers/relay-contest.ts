/** gate and mosquitto as a bridge, each with readings that have waited for the cloud. */
import { installPeers } from '../../peers/peers.ts';
import type { Bench } from '../benchmark.ts';
import { bridgeRun } from '../cloud-bridge.ts';
import { killedRelay, relayRun } from '../cloud-runs.ts';
import { Scope } from '../scope.ts';
import { count } from '../units.ts';
import { type Contest, type Figures, GATE, inTurn } from './contest.ts';

const LOST = 'lost at SIGKILL in an outage';
const DRAINED = 'backlog drained, readings/s';

type Side = (bench: Bench, outage: number) => Promise<Figures>;

const gate: Side = async (bench, outage) => {
  const lost = await killedRelay(bench, outage);
  const { perSecond } = await relayRun(bench, { backlog: bench.short ? 100_000 : 500_000, aws: false });
  return new Map([
    [LOST, lost],
    [DRAINED, perSecond],
  ]);
};

const bridge =
  (autosave: boolean): Side =>
  async (bench, outage) => {
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
  const outage = bench.short ? 1_000 : 10_000;
  return async (nth: number) => {
    const round = new Map<string, Figures>();
    for (const [name, side] of inTurn(SIDES, nth)) {
      bench.say(name);
      const scope = new Scope();
      bench.scope.defer(() => scope.end());
      round.set(name, await side({ ...bench, scope }, outage));
      await scope.end();
    }
    return round;
  };
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
