/**
 * `kill -9` at random of a container, of the daemon, of the container engine, while a protocol that is a container
 * takes readings, is updated, and while another one is installed and removed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ContainerEngine, reasonForNoEngine } from '../../test/support/container-engine.ts';
import { buildImages, ContainerKillHouse, GUEST, JOURNAL } from './container-house.ts';
import type { Random } from './random.ts';
import { ReadyTimes } from './ready-times.ts';
import { FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 9, long: 1_500 };
/** A house is left after so many, and another one begun; each can be repeated without those before it. */
const CUTS_A_HOUSE = 54;
/** From the call on; what takes longest is fetched from a registry on the same machine. */
const SPREAD_MS = 2_500;
const ENGINE_AWAY_MS = 500;

export const containerKills: Scenario = {
  name: 'container-kills',
  breaks:
    '`kill -9` of a container, of the daemon, of the container engine (dockerd), while a protocol as a container takes readings, is updated, and another one is installed and removed',
  holds:
    'every reading that was acknowledged to the container is there once; it runs in one container, of the old version or the new one; what was installed runs, and of what is not nothing is left',
  boundMs: { short: 900_000, long: 10 * 3_600_000 },
  obstacle: reasonForNoEngine,
  run,
};

type Victim = (house: ContainerKillHouse) => Promise<void>;

const VICTIMS: Record<'daemon' | 'engine', Victim> = {
  daemon: async ({ gateway }) => {
    await gateway.daemon.kill();
    await gateway.start();
  },
  engine: async ({ engine }) => {
    await engine.killEngine();
    await pause(ENGINE_AWAY_MS);
    await engine.startEngine();
  },
};

/** Begins what is under way when somebody is killed. */
const DEEDS: Record<string, (house: ContainerKillHouse) => Promise<unknown>> = {
  readings: async () => undefined,
  'an update': async (house) => house.call('PUT', JOURNAL, { image: await house.otherImage() }),
  'an installation': async (house) => {
    if ((await house.protocol(GUEST)).status === 'installed') {
      await house.call('DELETE', GUEST);
      await house.settled(GUEST);
    }
    return house.call('POST', GUEST, { parameters: {} });
  },
  'a removal': async (house) => {
    if ((await house.protocol(GUEST)).status !== 'installed') {
      await house.call('POST', GUEST, { parameters: {} });
      await house.settled(GUEST);
    }
    return house.call('DELETE', GUEST);
  },
};

interface Cut {
  name: string;
  act: (house: ContainerKillHouse, random: Random) => Promise<void>;
}

const ALL_CUTS: readonly Cut[] = [
  {
    name: 'the container',
    act: async (house, random) => {
      await pause(random.next() * 300);
      const pid = await house.pid(JOURNAL);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    },
  },
  ...Object.entries(VICTIMS).flatMap(([victim, kill]) =>
    Object.entries(DEEDS).map(([deed, begin]) => ({
      name: `the ${victim} during ${deed}`,
      act: async (house: ContainerKillHouse, random: Random) => {
        const begun = begin(house);
        if (deed !== 'readings') await begun;
        await pause(random.next() * SPREAD_MS);
        await kill(house);
      },
    })),
  ),
];

async function run(suite: FaultRun): Promise<Survived> {
  const { scope, long, isOver } = suite;
  const planned = CUTS[long ? 'long' : 'short'];
  const ready = new ReadyTimes();
  const engine = await ContainerEngine.start();
  scope.defer(() => engine.stop());
  const images = await buildImages(engine);
  const counts = { cuts: 0, stored: 0, guestStayed: 0, guestGone: 0 };
  for (let part = 0; counts.cuts < planned && !isOver(); part += 1) {
    const cuts = Math.min(CUTS_A_HOUSE, planned - counts.cuts);
    const place = { engine, images, ready };
    await breakHouse({ ...suite, random: suite.randomOf(part) }, { place, part, cuts, counts });
  }
  return {
    faults: counts.cuts,
    planned,
    counts: {
      'readings stored': counts.stored,
      'afterwards the guest was': `installed ${counts.guestStayed}, not installed ${counts.guestGone}`,
      ready: ready.words(),
    },
  };
}

interface Part {
  place: Parameters<typeof ContainerKillHouse.open>[1];
  part: number;
  cuts: number;
  counts: { cuts: number; stored: number; guestStayed: number; guestGone: number };
}

/** @throws FaultFound */
async function breakHouse(run: FaultRun, { place, part, cuts, counts }: Part): Promise<void> {
  const { random, isOver, say } = run;
  let house: ContainerKillHouse | undefined;
  let deck: Cut[] = [];
  let last = 'before the first cut';
  try {
    house = await ContainerKillHouse.open(run, place);
    for (let n = 0; n < cuts && !isOver(); n += 1) {
      if (deck.length === 0) deck = random.shuffled(ALL_CUTS);
      const cut = deck.pop() as Cut;
      last = `cut ${n}, ${cut.name}`;
      say(`house ${part}, cut ${n} of ${cuts}: ${cut.name}`);
      await cut.act(house, random);
      await house.works();
      if (await house.guestIsWhole()) counts.guestStayed += 1;
      else counts.guestGone += 1;
      counts.cuts += 1;
    }
    counts.stored += house.stored;
    await house.leave();
  } catch (error) {
    const words = `house ${part}, ${last}: ${(error as Error).message}`;
    throw new FaultFound(`${words}\nThe daemon's last words:\n${house?.gateway.lastWords()}`, {
      part,
      cause: error,
    });
  }
}
