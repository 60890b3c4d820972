/**
 * `kill -9` at random while a gateway takes readings, changes its registry, packs, deletes what is old, is backed up,
 * updates an add-on and relays to a broker with mutual TLS: of the daemon, of its writer thread at a step of a commit, of
 * add-ons, of the broker, of the command that takes the backup.
 */
import { reasonToSkip } from '../peers/peers.ts';
import { KILL_ACTIONS, type KillAction } from './kill-actions.ts';
import { KillHouse } from './kill-house.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 130, long: 12_000 };
/** A house is left after so many, and another one begun; each can be repeated without those before it. */
const CUTS_A_HOUSE = 260;
/** Houses that are broken side by side: one of them waits more than it works. */
const AT_ONCE = { short: 1, long: 3 };
const SAID_EVERY = 20;

const PEERS = ['mosquitto', 'openssl', 'strace'] as const;

export const kills: Scenario = {
  name: 'kills',
  breaks:
    '`kill -9` of the daemon, of its writer at a step of a commit (a system call), of add-ons, of mosquitto, of a backup; during ingest, registry changes, retention, packing, backup, update of an add-on, relay',
  holds:
    'every acknowledged reading is there once; the registry is what was answered; every number is acknowledged by the broker, a repeat under the same id; a backup is whole or not there',
  boundMs: { short: 900_000, long: 12 * 3_600_000 },
  peers: PEERS,
  obstacle: () => reasonToSkip(...PEERS),
  run,
};

async function run(suite: FaultRun): Promise<Survived> {
  const form = suite.long ? 'long' : 'short';
  const planned = CUTS[form];
  const tally = new Tally(form === 'long');
  let begun = 0;
  const live = async () => {
    while (begun < Math.ceil(planned / CUTS_A_HOUSE) && !suite.isOver()) {
      const part = begun;
      begun += 1;
      const cuts = Math.min(CUTS_A_HOUSE, planned - part * CUTS_A_HOUSE);
      await breakHouse({ ...suite, random: suite.randomOf(part) }, { part, cuts, tally });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE[form] }, live));
  for (const [name, middle] of tally.hits)
    demand(middle > 0 || tally.cuts < planned, `no cut came in the middle of: ${name}`);
  return {
    faults: tally.cuts,
    planned,
    counts: {
      'readings acknowledged': tally.acknowledged,
      'numbers at the broker': tally.relayed,
      'of these sent again': tally.repeats,
      'acknowledged by mosquitto, and lost when it was killed': tally.lost,
      'registry changes': tally.changes,
      'surely in the middle': [...tally.hits].map(([name, count]) => `${name} ${count}`).join(', '),
      ready: tally.ready.words(),
    },
  };
}

/** What was done, in all houses. */
class Tally {
  readonly ready: ReadyTimes;
  /** How many cuts of a kind came surely in the middle. */
  readonly hits = new Map<string, number>();
  cuts = 0;
  acknowledged = 0;
  repeats = 0;
  relayed = 0;
  lost = 0;
  changes = 0;

  /** @param isBesideOthers houses are broken at the same time */
  constructor(isBesideOthers: boolean) {
    this.ready = new ReadyTimes(isBesideOthers ? false : undefined);
  }

  add({ witness, arrivals, lostByBroker, registry }: KillHouse): void {
    this.acknowledged += witness.acked.size;
    this.relayed += arrivals.count;
    this.repeats += arrivals.repeats;
    this.lost += lostByBroker;
    this.changes += registry.changes;
  }
}

/** @throws FaultFound */
async function breakHouse(
  run: FaultRun,
  { part, cuts, tally }: { part: number; cuts: number; tally: Tally },
): Promise<void> {
  const { random, isOver, say } = run;
  let house: KillHouse | undefined;
  let deck: KillAction[] = [];
  let last = 'before the first cut';
  try {
    house = await KillHouse.open(run, tally.ready);
    for (let cut = 0; cut < cuts && !isOver(); cut += 1) {
      if (deck.length === 0)
        deck = random.shuffled(
          KILL_ACTIONS.flatMap((action) => Array<KillAction>(action.share).fill(action)),
        );
      const action = deck.pop() as KillAction;
      last = `cut ${cut}, ${action.name}`;
      if (cut % SAID_EVERY === 0) say(`house ${part}, cut ${cut} of ${cuts}: ${action.name}`);
      await house.witness.heard(15);
      const middle = await action.cut(house, random);
      tally.hits.set(action.name, (tally.hits.get(action.name) ?? 0) + (middle ? 1 : 0));
      await house.check();
      tally.cuts += 1;
    }
    last = 'at the end';
    await house.audit();
  } catch (error) {
    const words = `house ${part}, ${last}: ${(error as Error).message}`;
    throw new FaultFound(`${words}\nThe daemon's last words:\n${house?.gateway.lastWords()}`, {
      part,
      cause: error,
    });
  }
  tally.add(house);
  await house.close();
}
