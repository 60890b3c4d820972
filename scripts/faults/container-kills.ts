/**
 * `kill -9` at random of a container, of the daemon, of the container engine, while a protocol that is a container
 * takes readings, is updated, and while another one is installed and removed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ContainerEngine, reasonForNoEngine } from '../../test/support/container-engine.ts';
import { buildImages, ContainerKillHouse, GUEST, JOURNAL } from './container-house.ts';
import { killed } from './kill-actions.ts';
import type { Random } from './random.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 12, long: 1_500 };
/** A house is left after so many, and another one begun; each can be repeated without those before it. */
const CUTS_A_HOUSE = 54;
/** While nothing but readings is under way. */
const READINGS_MS = 300;
const ENGINE_AWAY_MS = 500;

export const containerKills: Scenario = {
  name: 'container-kills',
  breaks:
    '`kill -9` of a container, of the daemon, of the container engine (dockerd), while a protocol as a container takes readings, is updated, and another one is installed and removed',
  holds:
    'every reading that was acknowledged to the container is there once; it runs in one container, of the old version or the new one; what was installed runs, and of what is not nothing is left',
  boundMs: { short: 900_000, long: 10 * 3_600_000 },
  uses: 'containers',
  peers: ['docker'],
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

/** What is under way when somebody is killed. */
interface Deed {
  slug: string;
  /** @returns when it was accepted, or refused for who was killed before */
  begin: (house: ContainerKillHouse) => Promise<void>;
  /** What must be so before. */
  prepare?: (house: ContainerKillHouse) => Promise<void>;
}

const DEEDS = {
  'an update': {
    slug: JOURNAL,
    begin: async (house) => house.call('PUT', JOURNAL, { image: await house.otherImage() }),
  },
  'an installation': {
    slug: GUEST,
    prepare: (house) => guestIs(house, 'notInstalled'),
    begin: (house) => house.call('POST', GUEST, { parameters: {} }),
  },
  'a removal': {
    slug: GUEST,
    prepare: (house) => guestIs(house, 'installed'),
    begin: (house) => house.call('DELETE', GUEST),
  },
} satisfies Record<string, Deed>;
type DeedName = keyof typeof DEEDS;
const DEED_NAMES = Object.keys(DEEDS) as DeedName[];

async function guestIs(house: ContainerKillHouse, wanted: 'installed' | 'notInstalled'): Promise<void> {
  const isIt = async () => ((await house.settled(GUEST)).status === 'installed') === (wanted === 'installed');
  if (await isIt()) return;
  if (wanted === 'installed') await house.call('POST', GUEST, { parameters: {} });
  else await house.call('DELETE', GUEST);
  demand(await isIt(), `the guest could not be made ${wanted}`);
}

/** How long each takes that nobody interrupts: it is cut at any time in it. */
type DeedTimes = Record<DeedName, number>;

async function uninterrupted(house: ContainerKillHouse): Promise<DeedTimes> {
  const times: DeedTimes = { 'an update': 0, 'an installation': 0, 'a removal': 0 };
  for (const name of DEED_NAMES) {
    const { slug, begin, prepare }: Deed = DEEDS[name];
    await prepare?.(house);
    const begunAt = performance.now();
    await begin(house);
    await house.settled(slug);
    times[name] = performance.now() - begunAt;
  }
  return times;
}

interface Cut {
  name: string;
  /** @returns whether it surely came in the middle */
  act: (house: ContainerKillHouse, random: Random, times: DeedTimes) => Promise<boolean>;
}

const ALL_CUTS: readonly Cut[] = [
  {
    name: 'the container',
    act: async (house, random) => {
      await pause(random.next() * READINGS_MS);
      const pid = await house.pid(JOURNAL);
      return pid !== undefined && killed(pid);
    },
  },
  ...Object.entries(VICTIMS).flatMap(([victim, kill]): Cut[] => [
    {
      name: `the ${victim} during readings`,
      act: async (house, random) => {
        await pause(random.next() * READINGS_MS);
        await kill(house);
        return true;
      },
    },
    ...DEED_NAMES.map(
      (name): Cut => ({
        name: `the ${victim} during ${name}`,
        act: async (house, random, times) => {
          const { slug, begin, prepare }: Deed = DEEDS[name];
          await prepare?.(house);
          const begun = begin(house);
          await pause(random.next() * times[name]);
          const isMiddle = await house.isUnderWay(slug);
          await kill(house);
          await begun;
          return isMiddle;
        },
      }),
    ),
  ]),
];

async function run(suite: FaultRun): Promise<Survived> {
  const { scope, long, isOver } = suite;
  const planned = CUTS[long ? 'long' : 'short'];
  const ready = new ReadyTimes();
  const engine = await ContainerEngine.start();
  scope.defer(() => engine.stop());
  const images = await buildImages(engine);
  const counts = { cuts: 0, middle: 0, stored: 0, guestStayed: 0, guestGone: 0 };
  for (let part = 0; counts.cuts < planned && !isOver(); part += 1) {
    const cuts = Math.min(CUTS_A_HOUSE, planned - counts.cuts);
    const place = { engine, images, ready };
    await breakHouse({ ...suite, random: suite.randomOf(part) }, { place, part, cuts, counts });
  }
  return {
    faults: counts.cuts,
    planned,
    counts: {
      'surely in the middle': counts.middle,
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
  counts: { cuts: number; middle: number; stored: number; guestStayed: number; guestGone: number };
}

/** @throws FaultFound */
async function breakHouse(run: FaultRun, { place, part, cuts, counts }: Part): Promise<void> {
  const { random, isOver, say } = run;
  let house: ContainerKillHouse | undefined;
  let deck: Cut[] = [];
  let last = 'before the first cut';
  try {
    house = await ContainerKillHouse.open(run, place);
    const times = await uninterrupted(house);
    for (let n = 0; n < cuts && !isOver(); n += 1) {
      if (deck.length === 0) deck = random.shuffled(ALL_CUTS);
      const cut = deck.pop() as Cut;
      last = `cut ${n}, ${cut.name}`;
      say(`house ${part}, cut ${n} of ${cuts}: ${cut.name}`);
      if (await cut.act(house, random, times)) counts.middle += 1;
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
