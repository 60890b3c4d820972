/**
 * `kill -9` at random while a gateway takes readings, changes its registry, packs, deletes what is old, is backed up,
 * updates an add-on and relays to a broker with mutual TLS: of the daemon, of its writer thread at a step of a commit, of
 * add-ons, of the broker, of the command that takes the backup.
 */
import { reasonToSkip } from '../peers/peers.ts';
import { KILL_ACTIONS } from './kill-actions.ts';
import { KillHouse } from './kill-house.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 130, long: 12_000 };
/** A house is left after so many, and another one begun. */
const CUTS_A_HOUSE = 260;
const SAID_EVERY = 20;

export const kills: Scenario = {
  name: 'kills',
  breaks:
    '`kill -9` of the daemon, of its writer at a step of a commit (a system call), of add-ons, of mosquitto, of a backup; during ingest, registry changes, retention, packing, backup, update of an add-on, relay',
  holds:
    'every acknowledged reading is there once; the registry is what was answered; every number is acknowledged by the broker, a repeat under the same id; a backup is whole or not there',
  boundMs: { short: 900_000, long: 12 * 3_600_000 },
  obstacle: () => reasonToSkip('mosquitto', 'openssl', 'strace'),
  run,
};

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, signal, say } = suite;
  const cuts = long ? CUTS.long : CUTS.short;
  const ready = new ReadyTimes();
  const totals = { acknowledged: 0, repeats: 0, relayed: 0, lost: 0, changes: 0 };
  const hits = new Map<string, number>();
  let house: KillHouse | undefined;
  let deck: (typeof KILL_ACTIONS)[number][] = [];

  const leave = async () => {
    if (!house) return;
    await house.audit();
    totals.acknowledged += house.witness.acked.size;
    totals.relayed += house.arrivals.count;
    totals.repeats += house.arrivals.repeats;
    totals.lost += house.lostByBroker;
    totals.changes += house.registry.changes;
    await house.close();
    house = undefined;
  };

  for (let cut = 0; cut < cuts && !signal.aborted; cut += 1) {
    if (cut % CUTS_A_HOUSE === 0) await leave();
    house ??= await KillHouse.open(suite, ready);
    if (deck.length === 0)
      deck = random.shuffled(KILL_ACTIONS.flatMap((action) => Array(action.share).fill(action)));
    const action = deck.pop() as (typeof KILL_ACTIONS)[number];
    if (cut % SAID_EVERY === 0) say(`cut ${cut} of ${cuts}: ${action.name}`);
    try {
      await house.witness.heard(15);
      const middle = await action.cut(house, random);
      hits.set(action.name, (hits.get(action.name) ?? 0) + (middle ? 1 : 0));
      await house.check();
    } catch (error) {
      const words = `cut ${cut}, ${action.name}: ${(error as Error).message}`;
      throw new FaultFound(`${words}\nThe daemon's last words:\n${house.gateway.lastWords()}`, {
        cause: error,
      });
    }
  }
  await leave();
  for (const [name, middle] of hits)
    demand(middle > 0 || signal.aborted, `no cut came in the middle of: ${name}`);
  return {
    faults: cuts,
    counts: {
      'readings acknowledged': totals.acknowledged,
      'numbers at the broker': totals.relayed,
      'of these sent again': totals.repeats,
      'acknowledged by mosquitto, and lost when it was killed': totals.lost,
      'registry changes': totals.changes,
      'surely in the middle': [...hits].map(([name, count]) => `${name} ${count}`).join(', '),
      ready: ready.words(),
    },
  };
}
