/**
 * The mains fail: the file system that the data folder lies on is shut down without flushing, the daemon is killed,
 * and both come up again. Readings come in all the time; at some cuts a migration, the first start of a gateway, a
 * change of the registry or a backup is under way.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { restoreBackup } from '../../src/backup/restore-backup.ts';
import { GateCommand } from '../../test/support/gate-command.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { LoopDisk, loopObstacle } from './loop-disk.ts';
import { demandAllOf, LATEST_VERSION, layOldStore, OLD_VERSIONS, schemaVersion } from './old-store.ts';
import { ReadyTimes } from './ready-times.ts';
import { RegistryModel } from './registry.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { Witness } from './witness.ts';

const CUTS = { short: 50, long: 1_000 };
/** A disk is left after so many. */
const CUTS_A_DISK = 100;
const DISK_MB = 400;
const OLD_READINGS = 30_000;
const SAID_EVERY = 10;

export const powerCut: Scenario = {
  name: 'power-cut',
  breaks:
    'the ext4 below the data folder is shut down without flushing while readings come in; now and then during a first start, a migration, a change of the registry, a backup',
  holds:
    'every acknowledged reading is there once; the registry is what was answered; a migrated store is the old or the new one; a backup that was reported is whole; the certificate and the first client stay',
  boundMs: { short: 900_000, long: 6 * 3_600_000 },
  uses: 'mounts',
  peers: ['xfs_io'],
  obstacle: loopObstacle,
  run,
};

/** A gateway on a disk, and what it promised. */
class Box {
  readonly disk: LoopDisk;
  readonly gateway: FaultHouse;
  readonly witness: Witness;
  readonly ledger: Ledger;
  readonly registry: RegistryModel;
  readonly outside: string;
  #fingerprint = '';

  private constructor(disk: LoopDisk, gateway: FaultHouse, { scope, random }: FaultRun) {
    this.disk = disk;
    this.gateway = gateway;
    this.outside = scope.folder();
    this.witness = new Witness(join(this.outside, 'acked'));
    this.ledger = new Ledger(gateway.storePath);
    this.registry = new RegistryModel(random.fork('registry'));
    scope.defer(() => this.witness.close());
  }

  static async open(run: FaultRun, ready: ReadyTimes): Promise<Box> {
    const { scope } = run;
    const disk = LoopDisk.make(scope, DISK_MB);
    const environment = { TLS: 'self-signed' };
    const gateway = await FaultHouse.at({ scope, ready, folder: join(disk.path, 'data'), environment });
    const box = new Box(disk, gateway, run);
    await gateway.start();
    await box.witness.move(gateway.api);
    const demo = { name: 'demo', isVirtual: true, demoActive: true, frequency: 30 };
    await gateway.api.send('POST', '/device/v1/devices', demo);
    await box.registry.begin(gateway.api);
    box.#fingerprint = box.#certificate();
    return box;
  }

  /** The mains fail, and come back. `meanwhile`: what else lies on this disk is held against what it was. */
  async cut(meanwhile: () => void | Promise<void> = () => undefined): Promise<void> {
    // nobody says anything any more: a sync that is under way may still end well, and would be told
    this.gateway.daemon.process.kill('SIGSTOP');
    this.disk.cutPower();
    await this.gateway.daemon.kill();
    await meanwhile();
    await this.disk.unmount();
    this.disk.mount();
  }

  async check(): Promise<void> {
    this.ledger.look(this.witness);
    await this.registry.check(this.gateway.api);
    demand(this.#certificate() === this.#fingerprint, 'the certificate that clients trust is another one');
    const first = JSON.parse(readFileSync(join(this.gateway.folder, 'first-client.json'), 'utf8'));
    demand(typeof first.clientSecret === 'string', 'the first client has no secret any more');
  }

  #certificate(): string {
    const folder = join(this.gateway.folder, 'tls');
    const path = join(folder, 'certificate.pem');
    return readFileSync(path, 'utf8');
  }
}

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, isOver, say } = suite;
  const cuts = long ? CUTS.long : CUTS.short;
  const ready = new ReadyTimes();
  const counts = { acknowledged: 0, ingest: 0, registry: 0, 'first start': 0, migration: 0, backup: 0 };
  let box: Box | undefined;
  let cut = 0;
  for (; cut < cuts && !isOver(); cut += 1) {
    if (cut % CUTS_A_DISK === 0) {
      if (box) counts.acknowledged += await leave(box);
      box = await Box.open(suite, ready);
    }
    if (!box) break;
    const kind = random.pick(['ingest', 'ingest', 'registry', 'first start', 'migration', 'backup'] as const);
    if (cut % SAID_EVERY === 0) say(`cut ${cut} of ${cuts}: ${kind}`);
    await box.witness.heard(30);
    counts[kind] += 1;
    await CUTTERS[kind](box, suite);
    await box.gateway.start();
    await box.check();
  }
  if (box) counts.acknowledged += await leave(box);
  const { acknowledged, ...kinds } = counts;
  return {
    faults: cut,
    planned: cuts,
    counts: {
      'readings acknowledged': acknowledged,
      during: Object.entries(kinds)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', '),
      ready: ready.words(),
    },
  };
}

/** @returns how many readings were acknowledged there */
async function leave(box: Box): Promise<number> {
  await box.witness.settled();
  box.ledger.audit(box.witness);
  demand((await box.gateway.daemon.stop()) === 0, 'the daemon did not end well');
  await box.witness.close();
  await box.disk.unmount();
  box.disk.check();
  return box.witness.acked.size;
}

type Cutter = (box: Box, run: FaultRun) => Promise<void>;

const CUTTERS: Record<'ingest' | 'registry' | 'first start' | 'migration' | 'backup', Cutter> = {
  ingest: async (box, { random }) => {
    await pause(random.next() * 150);
    await box.cut();
  },
  registry: async (box, { random }) => {
    const disturbing = box.registry.disturb(box.gateway.api).catch(() => undefined);
    await pause(random.next() * 200);
    await box.cut(() => disturbing);
  },
  'first start': (box, run) => cutBeside(box, run, async () => {}),
  migration: async (box, run) => {
    const path = join(box.disk.path, 'beside', 'gate.db');
    const old = { path, version: run.random.pick(OLD_VERSIONS), readings: OLD_READINGS };
    await cutBeside(
      box,
      run,
      async () => {
        mkdirSync(join(box.disk.path, 'beside'), { mode: 0o700 });
        await layOldStore(old);
        execFileSync('sync', ['-f', path]);
      },
      () => {
        demandAllOf(old);
        demand(schemaVersion(path) === LATEST_VERSION, 'the store was not migrated');
      },
    );
  },
  backup: async (box, { random }) => {
    const identity = await generateX25519Identity();
    const file = join(box.disk.path, 'backup.age');
    rmSync(file, { force: true });
    const words = ['backup', file, '--recipient', await identityToRecipient(identity)];
    const command = new GateCommand(box.gateway.folder, words);
    const wait = random.next() < 0.5 ? command.ended : pause(200 + random.next() * 500);
    await wait;
    let reported = false;
    await box.cut(async () => {
      reported = (await command.ended).code === 0;
    });
    if (!existsSync(file)) return demand(!reported, 'a backup was reported, and is not there');
    const dataFolder = join(box.outside, 'restored');
    const configFolder = join(dataFolder, 'config');
    await restoreBackup({ file, key: { identity }, dataFolder, configFolder, replace: false, now: Date.now });
    rmSync(dataFolder, { recursive: true });
  },
};

/** Another gateway begins on the same disk, and the mains fail within its start; the next start must be well. */
async function cutBeside(
  box: Box,
  { scope, random }: FaultRun,
  lay: () => Promise<void>,
  after: () => void = () => undefined,
): Promise<void> {
  const folder = join(box.disk.path, 'beside');
  await lay();
  const beside = await FaultHouse.at({ scope, ready: new ReadyTimes(), folder });
  const daemon = beside.spawn();
  await pause(50 + random.next() * 500);
  await box.cut(async () => {
    await daemon.kill();
  });
  await beside.start();
  after();
  demand((await beside.daemon.stop()) === 0, 'a gateway that was cut at its start did not end well');
  rmSync(folder, { recursive: true });
}
