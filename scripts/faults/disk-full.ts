/**
 * The disk runs full, at each stage of a gateway's life, and has room again: it must be said, nothing that was
 * acknowledged may be lost, and it must go on by itself.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { RESTORE_STAGING } from '../../src/backup/unfinished.ts';
import { GateCommand } from '../../test/support/gate-command.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { LoopDisk, loopObstacle } from './loop-disk.ts';
import { demandAllOf, layOldStore } from './old-store.ts';
import { ReadyTimes } from './ready-times.ts';
import { RegistryModel } from './registry.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { demandWords, recovered, toldOf, up } from './store-trouble.ts';
import { Witness } from './witness.ts';

const ROUNDS = { short: 1, long: 40 };
const DISK_MB = 96;
const OLD_READINGS = 60_000;
const BLOCK_BYTES = 64 * 1024;
const CHANGES = 40;
const FULL = /full|cannot be written|input\/output/;

export const diskFull: Scenario = {
  name: 'disk-full',
  breaks:
    'the disk runs full while readings come in, at a start, at a first start, during a migration, at a backup, at a restore over a gateway, at a change of the registry; then there is room again',
  holds:
    'health and a notification say so, or the command does; nothing acknowledged is lost; it goes on by itself',
  boundMs: { short: 900_000, long: 3 * 3_600_000 },
  uses: 'mounts',
  peers: ['xfs_io'],
  obstacle: loopObstacle,
  run,
};

interface Site {
  disk: LoopDisk;
  gateway: FaultHouse;
  witness: Witness;
  ledger: Ledger;
  registry: RegistryModel;
  run: FaultRun;
}

async function run(suite: FaultRun): Promise<Survived> {
  const { scope, random, long, isOver, say } = suite;
  const ready = new ReadyTimes();
  const disk = LoopDisk.make(scope, DISK_MB);
  const gateway = await FaultHouse.at({ scope, ready, folder: join(disk.path, 'data') });
  const witness = new Witness(join(scope.folder(), 'acked'));
  scope.defer(() => witness.close());
  const ledger = new Ledger(gateway.storePath);
  const registry = new RegistryModel(random.fork('registry'));
  const site: Site = { disk, gateway, witness, ledger, registry, run: suite };
  await gateway.start();
  await witness.move(gateway.api);
  await registry.begin(gateway.api);
  let faults = 0;
  const rounds = ROUNDS[long ? 'long' : 'short'];
  for (let round = 0; round < rounds && !isOver(); round += 1) {
    for (const [name, stage] of random.shuffled(Object.entries(STAGES))) {
      if (isOver()) break;
      say(`round ${round}: ${name}`);
      await witness.heard(30);
      await stage(site);
      await witness.heard(30);
      ledger.look(witness);
      await registry.check(gateway.api);
      faults += 1;
    }
  }
  await witness.settled();
  ledger.audit(witness);
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  await disk.unmount();
  const planned = rounds * Object.keys(STAGES).length;
  return { faults, planned, counts: { 'readings acknowledged': witness.acked.size, ready: ready.words() } };
}

const STAGES: Record<string, (site: Site) => Promise<void>> = {
  'while readings come in': async (site) => {
    fill(site.disk);
    await toldOf(site, FULL);
    await pause(site.run.random.next() * 2_000);
    free(site.disk);
    await recovered(site);
  },
  'killed and started while it is full': async (site) => {
    const { gateway, disk } = site;
    fill(disk);
    await toldOf(site, FULL);
    await gateway.daemon.kill();
    const daemon = gateway.spawn();
    const ended = await Promise.race([daemon.exited, up(daemon)]);
    if (ended !== 'up') demandWords(daemon.errors);
    free(disk);
    if (ended !== 'up') await gateway.start();
    await recovered(site);
  },
  'a first start': async ({ disk, run }) => {
    const folder = join(disk.path, 'beside');
    fill(disk);
    const beside = await FaultHouse.at({ scope: run.scope, ready: new ReadyTimes(), folder });
    const daemon = beside.spawn();
    const ended = await Promise.race([daemon.exited, up(daemon)]);
    if (ended === 'up') await daemon.stop();
    else demandWords(daemon.errors);
    free(disk);
    await beside.start();
    demand((await beside.daemon.stop()) === 0, 'it did not end well');
    rmSync(folder, { recursive: true });
  },
  'a migration': async ({ disk, run }) => {
    const folder = join(disk.path, 'beside');
    mkdirSync(folder, { mode: 0o700 });
    const old = { path: join(folder, 'gate.db'), version: 3, readings: OLD_READINGS };
    await layOldStore(old);
    // half a copy has room
    fill(disk, 1_500_000);
    const beside = await FaultHouse.at({ scope: run.scope, ready: new ReadyTimes(), folder });
    const daemon = beside.spawn();
    const ended = await Promise.race([daemon.exited, up(daemon)]);
    demand(ended !== 'up', 'a store was migrated on a disk that has no room for a copy');
    demandWords(daemon.errors);
    free(disk);
    await beside.start();
    demandAllOf(old);
    demand((await beside.daemon.stop()) === 0, 'it did not end well');
    rmSync(folder, { recursive: true });
  },
  'a backup': async ({ disk, gateway }) => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const into = join(disk.path, 'backups');
    fill(disk, 300_000);
    const { code, errors } = await new GateCommand(gateway.folder, [
      ...['backup', '--into', into, '--readings', '--recipient', recipient],
    ]).ended;
    demand(
      code === 1 && /needs|room|ENOSPC|full/.test(errors),
      `a backup without room ended with ${code}: ${errors}`,
    );
    const left = existsSync(into) ? readdirSync(into) : [];
    demand(left.length === 0, `it left ${left.join(', ')}`);
    demand(!existsSync(join(gateway.folder, 'backup-staging')), 'it left what it had staged');
    free(disk);
    await pause(100);
  },
  'a restore over a gateway': async ({ disk, run }) => {
    const folder = join(disk.path, 'beside');
    mkdirSync(folder, { mode: 0o700 });
    const old = { path: join(folder, 'gate.db'), version: 3, readings: OLD_READINGS };
    await layOldStore(old);
    const beside = await FaultHouse.at({ scope: run.scope, ready: new ReadyTimes(), folder });
    await beside.start();
    demand((await beside.daemon.stop()) === 0, 'it did not end well');
    const outside = run.scope.folder();
    const identity = await generateX25519Identity();
    const [file, keyFile] = [join(outside, 'backup.age'), join(outside, 'identity')];
    writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
    const gate = (...words: string[]) => new GateCommand(folder, words).ended;
    const taken = await gate(
      'backup',
      file,
      '--readings',
      '--recipient',
      await identityToRecipient(identity),
    );
    demand(taken.code === 0, `the backup failed: ${taken.errors}`);
    const restore = () => gate('restore', file, '--replace', '--identity', keyFile);
    fill(disk, 300_000);
    const { code, errors } = await restore();
    demand(code === 1, `a restore without room ended with ${code}: ${errors}`);
    demandWords(errors);
    demand(!existsSync(join(folder, RESTORE_STAGING)), 'it left what it had unpacked');
    // of what is there nothing was touched
    demandAllOf(old);
    free(disk);
    const again = await restore();
    demand(again.code === 0, `with room again it ended with ${again.code}: ${again.errors}`);
    await beside.start();
    demandAllOf(old);
    demand((await beside.daemon.stop()) === 0, 'it did not end well');
    rmSync(folder, { recursive: true });
  },
  'changes of the registry': async (site) => {
    const { disk, gateway, registry } = site;
    fill(disk);
    await toldOf(site, FULL);
    // a small one may still find room in the log; what is refused is refused in words
    const refused = await registry.disturb(gateway.api, CHANGES).then(
      () => undefined,
      (error: Error) => error.message,
    );
    demand(refused === undefined || /was answered 503/.test(refused), `a change on a full disk: ${refused}`);
    free(disk);
    await recovered(site);
  },
};

const ballast = (disk: LoopDisk) => join(disk.path, 'ballast');

/** Takes all room that is there, but so many bytes. */
function fill(disk: LoopDisk, leftBytes = 0): void {
  const file = openSync(ballast(disk), 'a');
  const block = Buffer.alloc(BLOCK_BYTES, 0x5a);
  try {
    for (let bytes = BLOCK_BYTES; bytes >= 512; ) {
      const { bavail, bsize } = statfsSync(disk.path);
      if (leftBytes > 0 && bavail * bsize <= leftBytes) return;
      try {
        if (writeSync(file, block, 0, bytes) < bytes) bytes >>= 1;
      } catch {
        bytes >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
}

function free(disk: LoopDisk): void {
  rmSync(ballast(disk), { force: true });
}
