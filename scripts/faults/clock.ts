/**
 * The clock of the box goes wrong while readings come in: 1970 at the start, leaps, a second twice, other time zones.
 * The box has one clock, for the gateway and for the add-on that measures (by libfaketime).
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BoxClock } from '../../test/support/box-clock.ts';
import { until } from '../../test/support/until.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { OutsideAddon } from './outside-addon.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const ROUNDS = { short: 1, long: 60 };
const DAY_MS = 86_400_000;
const SLUG = 'box';
/** libfaketime, the gateway's own look at its clock, and what it then does about it. */
const SEEN_MS = 3_000;
const UPKEEP_MS = 66_000;
/** With TZ in summer and winter, east and west of the date line, by half hours. */
const ZONES = ['Europe/Rome', 'America/St_Johns', 'Pacific/Kiritimati', 'Asia/Kolkata', 'UTC'];
/** The moments at which an hour is left out, or comes twice, in Rome. */
const CHANGES = [Date.UTC(2027, 2, 28, 1), Date.UTC(2027, 9, 31, 1)];
/** How long a command takes. */
const COMMAND_MS = 800;

export const clock: Scenario = {
  name: 'clock',
  breaks:
    'the clock begins in 1970; leaps by days forward and back, and to 1970, while readings come in; a second comes twice; another time zone at each start, and its summer time',
  holds:
    'every acknowledged reading is there once, in the order of its number; none is deleted for its age; commands are done; tokens end with their time and no later',
  boundMs: { short: 90_000, long: 2 * 3_600_000 },
  peers: ['faketime'],
  obstacle: BoxClock.reasonToSkip,
  run,
};

async function run({ scope, random, long, isOver, say }: FaultRun): Promise<Survived> {
  const box = new BoxClock(join(scope.folder(), 'clock'));
  const ready = new ReadyTimes();
  const environment = { ...box.environment, TZ: random.pick(ZONES) };
  const gateway = await FaultHouse.at({ scope, ready, folder: scope.folder(), environment });
  box.set(0);
  await gateway.start();
  const account = new Account(gateway, box);
  scope.defer(() => account.close());
  await account.open();
  demand((await clockState(gateway)) === 'degraded', 'the clock says 1970, and health finds nothing wrong');
  await account.measured(20);
  box.set(Date.now());
  await until('the clock is believed', async () => (await clockState(gateway)) === 'running');
  await account.measured(20);
  account.look();

  const steps: Record<string, () => Promise<void>> = {
    'days forward': () => leap(random.whole(1, 25) * DAY_MS),
    'days back': () => leap(-random.whole(1, 25) * DAY_MS),
    'months forward, and a start there': async () => {
      box.set(box.now() + random.whole(40, 200) * DAY_MS);
      await pause(SEEN_MS);
      await restart();
      await upkeep();
    },
    'months forward while it is off': async () => {
      await gateway.daemon.stop();
      box.set(box.now() + random.whole(40, 200) * DAY_MS);
      await gateway.start([], { TZ: random.pick(ZONES) });
      await upkeep();
    },
    'to 1970': async () => {
      box.set(random.whole(0, DAY_MS));
      await until('health says so', async () => (await clockState(gateway)) === 'degraded');
      await account.measured(10);
    },
    'a second twice': async () => {
      for (let time = 0; time < 3; time += 1) {
        box.set(box.now() - 1_000);
        await pause(1_100);
      }
    },
    'another time zone': () => restart(),
    'summer time': async () => {
      box.set(random.pick(CHANGES) - 2_000);
      await restart('Europe/Rome');
      await pause(2_500);
    },
  };
  async function leap(byMs: number): Promise<void> {
    const token = await tokenOf(gateway);
    const command = gateway.api.call('POST', `/device/v1/control/${account.deviceId}/set`, { on: true });
    // it is under way
    await pause(COMMAND_MS / 2);
    box.set(box.now() + byMs);
    await pause(SEEN_MS);
    const { status, body } = await command;
    demand(status === 200, `a command was answered ${status}: ${JSON.stringify(body)}`);
    await demandTokens(gateway, token, byMs);
  }
  /** It looks for what is too old at the start and a minute later: only the long form has the time to wait for that. */
  const upkeep = () => pause(long ? UPKEEP_MS : SEEN_MS);
  async function restart(zone = random.pick(ZONES)): Promise<void> {
    demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
    await gateway.start([], { TZ: zone });
  }

  const rounds = ROUNDS[long ? 'long' : 'short'];
  let faults = 1;
  for (let round = 0; round < rounds && !isOver(); round += 1) {
    for (const [name, step] of random.shuffled(Object.entries(steps))) {
      if (isOver()) break;
      say(`round ${round}: ${name}`);
      await step();
      await account.measured(20);
      account.look();
      box.set(Date.now());
      // started before it has seen that, it would be behind what was stored last: then nobody can know
      await pause(SEEN_MS);
      await until('the clock is well', async () => (await clockState(gateway)) !== 'degraded');
      await account.measured(10);
      account.look();
      faults += 1;
    }
  }
  // what looks for old readings has its turn at a start
  await restart();
  await pause(SEEN_MS);
  account.look();
  account.ledger.demandSound();
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  const planned = 1 + rounds * Object.keys(steps).length;
  return { faults, planned, counts: { 'readings acknowledged': account.acked, ready: ready.words() } };
}

/** One reading after the other, by their numbers, all the time; what was acknowledged against what is stored. */
class Account {
  readonly ledger: Ledger;
  readonly #gateway: FaultHouse;
  readonly #box: BoxClock;
  #addon: OutsideAddon | undefined;
  #next = 0;
  #isOver = false;
  #measuring: Promise<void> = Promise.resolve();
  acked = 0;

  constructor(gateway: FaultHouse, box: BoxClock) {
    this.#gateway = gateway;
    this.#box = box;
    this.ledger = new Ledger(gateway.storePath);
  }

  get deviceId(): string {
    return this.#addon?.deviceIds[0] ?? '';
  }

  async open(): Promise<void> {
    const now = () => this.#box.now();
    this.#addon = await OutsideAddon.move(this.#gateway.api, { slug: SLUG, devices: 1, now });
    this.#addon.answersAfterMs = COMMAND_MS;
    this.#measuring = this.#measure(this.#addon);
  }

  async measured(more: number): Promise<void> {
    const goal = this.acked + more;
    await until(`${more} readings are acknowledged`, () => this.acked >= goal);
  }

  /** @throws FaultFound */
  look(): void {
    const acked = this.acked;
    const numbers = "CAST(vals ->> '$[0]' AS INTEGER)";
    const of = 'FROM reading WHERE dev = (SELECT k FROM device WHERE id = ?)';
    const { deviceId, ledger } = this;
    const below = ledger.figure(`SELECT count(*) ${of} AND ${numbers} < ?`, deviceId, acked);
    const different = ledger.figure(
      `SELECT count(DISTINCT ${numbers}) ${of} AND ${numbers} < ?`,
      deviceId,
      acked,
    );
    demand(
      below === acked && different === acked,
      () => `${below} readings of ${different} numbers are there, and ${acked} were acknowledged`,
    );
    const disorder = ledger.figure(
      `SELECT count(*) FROM (SELECT ${numbers} AS n, lag(${numbers}) OVER (ORDER BY seq) AS before ${of}) WHERE n <= before`,
      deviceId,
    );
    demand(disorder === 0, () => `${disorder} readings are not in the order of their numbers`);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#addon?.close();
    await this.#measuring;
  }

  async #measure(addon: OutsideAddon): Promise<void> {
    while (!this.#isOver) {
      const n = this.#next;
      try {
        await addon.measure(0, { id: `c${n}`, data: { n } });
        this.#next += 1;
        this.acked = this.#next;
        await pause(2);
      } catch {
        // the gateway is being started: the same again, under the same id
        await pause(50);
      }
    }
  }
}

async function clockState({ api }: FaultHouse): Promise<string> {
  const { body } = await api.call<{ parts: Record<string, { state: string }> }>('GET', '/health/ready');
  // it has no line while it was never in doubt
  return body.parts['clock']?.state ?? 'running';
}

interface Secret {
  clientId: string;
  clientSecret: string;
}

async function tokenOf({ api, daemon }: FaultHouse): Promise<string> {
  const client = await api.send<Secret>('POST', '/authentication/v1/clients', {
    name: 'clock',
    scopes: ['read'],
  });
  const answer = await fetch(`${daemon.url}/authentication/v1/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clientId: client.clientId, clientSecret: client.clientSecret }),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (body.access_token === undefined)
    throw new FaultFound(`no token was given: ${answer.status} ${JSON.stringify(body)}`);
  return body.access_token;
}

/** What was given before a leap counts no more after it, in either direction; a new one does. */
async function demandTokens(gateway: FaultHouse, old: string, byMs: number): Promise<void> {
  const statusOf = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${gateway.daemon.url}/device/v1/devices`, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  const status = await statusOf(old);
  demand(status === 401, `a token from before a leap of ${byMs / DAY_MS} days was answered ${status}`);
  const anew = await statusOf(await tokenOf(gateway));
  demand(anew === 200, `a new token after a leap of ${byMs / DAY_MS} days was answered ${anew}`);
}
