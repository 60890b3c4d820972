/**
 * `kill -9` in the middle of what is done once in a while: the migration of a store that an older gate wrote, a restore
 * over a gateway that is there, the very first start.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { GateCommand } from '../../test/support/gate-command.ts';
import { reasonToSkip } from '../peers/peers.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { demandAllOf, LATEST_VERSION, layOldStore, OLD_VERSIONS, schemaVersion } from './old-store.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 40, long: 3_000 };
const OLD_READINGS = 40_000;
const SAID_EVERY = 10;
/** System calls by which the new store is made and put in the place of the old one. */
const STEPS: Record<string, number> = { pwrite64: 1_200, fdatasync: 6, rename: 2, unlink: 5, fsync: 3 };
const STEP_DEADLINE_MS = 4_000;

const PEERS = ['strace'] as const;

export const upgrades: Scenario = {
  name: 'upgrades',
  breaks:
    '`kill -9` during the migration of a store of each older version (at random, and at a system call), during a restore over a gateway, during a first start',
  holds:
    'the store is the old or the new one, whole; a restore that was cut keeps gate from starting until it is done again, and is whole then',
  boundMs: { short: 900_000, long: 4 * 3_600_000 },
  peers: PEERS,
  obstacle: () => reasonToSkip(...PEERS),
  run,
};

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, isOver, say } = suite;
  const cuts = CUTS[long ? 'long' : 'short'];
  const ready = new ReadyTimes();
  const counts = { migration: 0, restore: 0, 'first start': 0 };
  const middle = { migration: 0, restore: 0, 'first start': 0 };
  const backup = await Backup.take(suite, ready);
  let cut = 0;
  for (; cut < cuts && !isOver(); cut += 1) {
    const kind = random.pick(['migration', 'migration', 'migration', 'restore', 'first start'] as const);
    if (cut % SAID_EVERY === 0) say(`cut ${cut} of ${cuts}: ${kind}`);
    const folder = suite.scope.folder();
    const gateway = await FaultHouse.at({ scope: suite.scope, ready, folder });
    try {
      const cutter = { migration: cutMigration, restore: backup.cutRestore, 'first start': cutFirstStart }[
        kind
      ];
      if (await cutter(gateway, suite)) middle[kind] += 1;
      demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
    } catch (error) {
      throw new FaultFound(`cut ${cut}, ${kind}: ${(error as Error).message}`, { cause: error });
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    counts[kind] += 1;
  }
  const words = (from: Record<string, number>) =>
    Object.entries(from)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ');
  return {
    faults: cut,
    planned: cuts,
    counts: { during: words(counts), 'surely in the middle': words(middle), ready: ready.words() },
  };
}

async function cutMigration(gateway: FaultHouse, { random, scope }: FaultRun): Promise<boolean> {
  const old = { path: gateway.storePath, version: random.pick(OLD_VERSIONS), readings: OLD_READINGS };
  await layOldStore(old);
  const copy = `${gateway.storePath}.migrating`;
  const step = random.next() < 0.5 ? random.pick(Object.keys(STEPS)) : undefined;
  let isMiddle = false;
  if (step === undefined) {
    const daemon = gateway.spawn();
    const givenUpAt = performance.now() + STEP_DEADLINE_MS;
    while (!existsSync(copy) && performance.now() < givenUpAt) await pause(1);
    await pause(random.next() * 120);
    isMiddle = existsSync(copy);
    await daemon.kill();
  } else {
    const nth = random.whole(1, (STEPS[step] as number) + 1);
    const inject = ['-e', `trace=${step}`, '-e', `inject=${step}:signal=KILL:when=${nth}`];
    const daemon = gateway.spawn([
      'strace',
      '-D',
      '-f',
      '-qqq',
      '-o',
      join(scope.folder(), 'steps'),
      ...inject,
    ]);
    const ended = await Promise.race([daemon.exited, pause(STEP_DEADLINE_MS, undefined)]);
    if (ended === undefined) await daemon.kill();
    isMiddle = ended === 'SIGKILL' && existsSync(copy);
  }
  // as it lies there it is one of the two
  demandAllOf(old);
  await gateway.start();
  demandAllOf(old);
  demand(schemaVersion(old.path) === LATEST_VERSION, 'the store was not migrated at the next start');
  demand(!existsSync(copy), 'half a store was left behind');
  return isMiddle;
}

async function cutFirstStart(gateway: FaultHouse, { random }: FaultRun): Promise<boolean> {
  const daemon = gateway.spawn();
  await pause(50 + random.next() * 600);
  const isUp = daemon.log.some(({ msg }) => msg.startsWith('gate is up'));
  await daemon.kill();
  const begun = existsSync(gateway.storePath);
  await gateway.start();
  demand(existsSync(join(gateway.folder, 'first-client.json')), 'there is no first client');
  return begun && !isUp;
}

/** What is restored again and again, over a gateway that is another one. */
class Backup {
  readonly #file: string;
  readonly #identity: string;
  readonly #other: string;
  readonly #devices: number;

  private constructor(parts: { file: string; identity: string; other: string; devices: number }) {
    this.#file = parts.file;
    this.#identity = parts.identity;
    this.#other = parts.other;
    this.#devices = parts.devices;
  }

  static async take({ scope }: FaultRun, ready: ReadyTimes): Promise<Backup> {
    const outside = scope.folder();
    const [house, other] = [join(outside, 'house'), join(outside, 'other')];
    for (const folder of [house, other]) {
      const gateway = await FaultHouse.at({ scope, ready, folder });
      await gateway.start();
      for (let n = 0; n < (folder === house ? 9 : 2); n += 1)
        await gateway.api.send('POST', '/device/v1/devices', { name: `d${n}`, isVirtual: true });
      demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
    }
    mkdirSync(join(house, 'config'), { recursive: true });
    writeFileSync(join(house, 'config', '.env'), 'RETENTION_DAYS=77\n');
    const secret = await generateX25519Identity();
    const identity = join(outside, 'identity');
    writeFileSync(identity, `${secret}\n`, { mode: 0o600 });
    const file = join(outside, 'house.age');
    const words = ['backup', file, '--recipient', await identityToRecipient(secret)];
    const { code, errors } = await new GateCommand(house, words, configOf(house)).ended;
    demand(code === 0, `the backup failed: ${errors}`);
    return new Backup({ file, identity, other, devices: 10 });
  }

  readonly cutRestore = async (gateway: FaultHouse, { random }: FaultRun): Promise<boolean> => {
    const { folder } = gateway;
    cpSync(this.#other, folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const restore = () =>
      new GateCommand(
        folder,
        ['restore', this.#file, '--replace', '--identity', this.#identity],
        configOf(folder),
      );
    const command = restore();
    const staging = join(folder, 'restore-staging');
    let isOver = false;
    void command.ended.then(() => {
      isOver = true;
    });
    while (!existsSync(staging) && !isOver) await pause(1);
    await pause(random.next() * 250);
    await command.kill();
    const isMiddle = existsSync(staging);
    if (isMiddle) {
      const refused = gateway.spawn();
      demand((await refused.exited) === 1, 'gate started in the middle of a restore');
      demand(
        /a restore into .* was interrupted\. Next: run "gate restore/.test(refused.errors),
        refused.errors,
      );
      const { code, errors } = await restore().ended;
      demand(code === 0, `the restore could not be done again: ${errors}`);
    }
    await gateway.start();
    const { length } = await gateway.api.get<unknown[]>('/device/v1/devices');
    const isRestored = existsSync(join(folder, 'config', '.env'));
    demand(
      length === (isRestored ? this.#devices : 3),
      `${length} devices: neither the one gateway nor the other`,
    );
    if (isMiddle) demand(isRestored, 'the restore was done, and is not there');
    new Ledger(gateway.storePath).demandSound();
    const asides = readdirSync(folder).filter((name) => name.startsWith('before-restore-'));
    demand(!isRestored || asides.length > 0, 'the gateway that was there is gone');
    return isMiddle;
  };
}

const configOf = (folder: string) => ({ CONFIG_FOLDER: join(folder, 'config') });
