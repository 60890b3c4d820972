/** Hostile neighbours: add-ons, and programs on the same network, that do what they must not. */
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { memoryOf } from '../bench/process-figures.ts';
import { ADDON_ATTACKS } from './hostile-addon.ts';
import {
  breaksFrames,
  fuzzes,
  type LanAttack,
  opensSessions,
  readsNothing,
  sendsSlowly,
  takesSockets,
} from './hostile-lan.ts';
import { FaultHouse } from './house.ts';
import { HungryContainer } from './hungry-container.ts';
import { Ledger } from './ledger.ts';
import { OutsideAddon } from './outside-addon.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { Witness } from './witness.ts';

const ROUNDS = { short: 1, long: 60 };
/** An attack that is over in less may be so before the next reading is due. */
const BRIEF_MS = 1_000;
const ATTACK_MS = { short: 4_000, long: 20_000 };
const LOOK_EVERY_MS = 250;
/** While it is attacked, with the queues that each neighbour may fill. */
const RSS_MAX_BYTES = 400 * 1024 * 1024;
const NOT_READING = 4;
/** A session of socket.io that nobody goes on with ends after 45 s. */
const FORGOTTEN_MS = 70_000;
/** Of the journal, of threads: what comes and goes by itself. */
const HANDLES_SPARE = 8;
const PER_TURN = 2;

export const neighbours: Scenario = {
  name: 'neighbours',
  breaks:
    'an add-on floods, sends 10 MB, reaches outside of its base, claims what is another’s, sends no JSON; somebody on the LAN opens 10,000 sockets, sends slowly, fuzzes paths, bodies and frames, storms socket.io, reads nothing; a container takes memory without end',
  holds:
    'a well-behaved add-on’s readings are acknowledged and stored once; the API answers on its socket, and a neighbour on the LAN; health says that the container was ended, and why; memory is bounded; no handle is left',
  boundMs: { short: 240_000, long: 3 * 3_600_000 },
  uses: 'containers',
  peers: ['docker'],
  run,
};

async function run({ scope, random, long, isOver, say }: FaultRun): Promise<Survived> {
  const form = long ? 'long' : 'short';
  const ready = new ReadyTimes();
  const folder = scope.folder();
  const hungry = await HungryContainer.prepare(scope, folder);
  if (typeof hungry === 'string') say(`without a container that takes memory: ${hungry}`);
  const environment = {
    ...(typeof hungry === 'string' ? {} : hungry.environment),
    RATE_LIMIT_ANONYMOUS: '20',
    RETENTION_MB: '256',
  };
  const gateway = await FaultHouse.at({ scope, ready, folder, environment });
  const witness = new Witness(join(scope.folder(), 'acked'));
  witness.perTurn = PER_TURN;
  scope.defer(() => witness.close());
  await gateway.start();
  const { api, daemon } = gateway;
  await witness.move(api);
  const addon = await OutsideAddon.move(api, { slug: 'hostile', devices: 1 });
  scope.defer(() => addon.close());
  const ledger = new Ledger(gateway.storePath);
  const [device] = await api.get<{ projectId: string }[]>('/device/v1/devices');
  const victim = { slug: 'witness', deviceId: witness.deviceIds[0] ?? '' };
  const forMs = ATTACK_MS[form];
  const lan: LanAttack = {
    random: random.fork('lan'),
    port: Number(new URL(daemon.url).port),
    socketPath: join(gateway.folder, 'gate.sock'),
    projectId: device?.projectId ?? '',
    forMs,
  };
  await warmUp(lan);
  await witness.heard(200);
  const look = new Look(gateway, witness);
  scope.defer(() => look.end());
  const attack = { addon, random: random.fork('addon'), victim, brokerPort: gateway.brokerPort, forMs };
  let endedForMemory = 0;
  const attacks: Record<string, () => Promise<number>> = {
    ...Object.fromEntries(Object.entries(ADDON_ATTACKS).map(([name, act]) => [name, () => act(attack)])),
    'somebody opens 10,000 sockets': () => takesSockets(lan),
    'somebody fuzzes requests': () => fuzzes(lan),
    'somebody breaks frames': () => breaksFrames(lan),
    'somebody storms socket.io': () => opensSessions(lan),
  };
  if (typeof hungry !== 'string')
    attacks['a container takes memory without end'] = async () => {
      const ended = await hungry.eats(api);
      endedForMemory += ended;
      return ended;
    };
  let faults = 0;
  let round = 0;
  for (; round < ROUNDS[form] && !isOver(); round += 1) {
    const slow = sendsSlowly(lan);
    const deaf = readsNothing(lan, NOT_READING);
    for (const [name, act] of random.shuffled(Object.entries(attacks))) {
      if (isOver()) break;
      say(`round ${round}: ${name}`);
      look.begin(name);
      const before = witness.acked.size;
      const begunAt = performance.now();
      faults += await act();
      if (performance.now() - begunAt < BRIEF_MS) await witness.heard(1);
      demand(witness.acked.size > before, `no reading of another add-on was acknowledged while ${name}`);
      ledger.look(witness);
    }
    say(`round ${round}: who sends slowly, or reads nothing, is cut`);
    look.begin('who sends slowly is cut');
    faults += await slow;
    await cut(deaf);
    faults += deaf.length;
  }
  await addon.close();
  await until(
    'handles are given back',
    () => handlesOf(gateway) <= look.handlesBefore + HANDLES_SPARE,
    FORGOTTEN_MS,
  );
  const handles = handlesOf(gateway);
  const memory = look.memory();
  await look.end();
  await witness.settled();
  ledger.audit(witness);
  const forged = ledger.figure("SELECT count(*) FROM reading WHERE vals LIKE '[-1%'");
  demand(forged === 0, `${forged} readings were stored that somebody else has forged`);
  const errors = daemon.log.filter(({ level }) => level === 'error' || level === 'fatal');
  demand(errors.length === 0, () => `the daemon met an error: ${JSON.stringify(errors[0])}`);
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  return {
    faults,
    counts: {
      rounds: `${round} of ${ROUNDS[form]}`,
      'readings acknowledged': witness.acked.size,
      'of a second, at the least': look.slowest(),
      'slowest answer on the Unix socket': `${Math.round(look.slowestMs)} ms`,
      memory,
      'containers ended for their memory': typeof hungry === 'string' ? `none: ${hungry}` : endedForMemory,
      handles: `${look.handlesBefore} before, ${look.handlesMost} at the most, ${handles} after`,
    },
  };
}

/** What is loaded with the first client of a kind is there before handles are counted. */
async function warmUp(lan: LanAttack): Promise<void> {
  await breaksFrames(lan);
  await pause(1_000);
}

/** They have more waiting than is kept for one, or will never read it: either is ended. */
async function cut(deaf: readonly Socket[]): Promise<void> {
  for (const socket of deaf) socket.resume();
  await until('who reads nothing is cut', () => deaf.every(({ closed }) => closed), FORGOTTEN_MS);
}

/** Looks all the time at what must stay well. */
class Look {
  readonly handlesBefore: number;
  handlesMost = 0;
  slowestMs = 0;
  readonly #gateway: FaultHouse;
  readonly #witness: Witness;
  readonly #rssBefore: number;
  #rssMost = 0;
  #isOver = false;
  readonly #looking: Promise<void>;
  readonly #rates: { name: string; perSecond: number }[] = [];
  #current: { name: string; at: number; acked: number } | undefined;

  constructor(gateway: FaultHouse, witness: Witness) {
    this.#gateway = gateway;
    this.#witness = witness;
    this.handlesBefore = handlesOf(gateway);
    this.#rssBefore = rssOf(gateway);
    this.#looking = this.#look();
    this.#looking.catch(() => undefined);
  }

  begin(name: string): void {
    this.#conclude();
    this.#current = { name, at: performance.now(), acked: this.#witness.acked.size };
  }

  /** @throws what it found */
  end(): Promise<void> {
    if (!this.#isOver) this.#conclude();
    this.#isOver = true;
    return this.#looking;
  }

  /** `812 (an add-on floods)` */
  slowest(): string {
    const [lowest] = this.#rates.toSorted((one, other) => one.perSecond - other.perSecond);
    return lowest ? `${Math.round(lowest.perSecond)} (${lowest.name})` : 'none';
  }

  memory(): string {
    const mb = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
    return `${mb(this.#rssBefore)} before, ${mb(this.#rssMost)} at the most, ${mb(rssOf(this.#gateway))} after`;
  }

  #conclude(): void {
    const current = this.#current;
    this.#current = undefined;
    if (!current) return;
    const seconds = (performance.now() - current.at) / 1_000;
    this.#rates.push({ name: current.name, perSecond: (this.#witness.acked.size - current.acked) / seconds });
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      const askedAt = performance.now();
      const { status } = await this.#gateway.api.call('GET', '/health/ready');
      demand(status === 200, `the API on the Unix socket answered ${status}`);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - askedAt);
      this.handlesMost = Math.max(this.handlesMost, handlesOf(this.#gateway));
      const rss = rssOf(this.#gateway);
      this.#rssMost = Math.max(this.#rssMost, rss);
      demand(rss < RSS_MAX_BYTES, `the daemon takes ${rss} bytes of memory`);
      await pause(LOOK_EVERY_MS);
    }
  }
}

const handlesOf = ({ daemon }: FaultHouse) => readdirSync(`/proc/${daemon.process.pid}/fd`).length;
const rssOf = ({ daemon }: FaultHouse) => memoryOf(daemon.process.pid ?? 0).rss;
