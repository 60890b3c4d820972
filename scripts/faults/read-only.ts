/** The kernel finds an error on the disk and makes it read-only, as it does with a card that fails. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { LoopDisk, loopObstacle } from './loop-disk.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { demandWords, toldOf, up } from './store-trouble.ts';
import { Witness } from './witness.ts';

const ROUNDS = { short: 3, long: 100 };
const DISK_MB = 96;

export const readOnly: Scenario = {
  name: 'read-only',
  breaks: 'ext4 finds an error and becomes read-only while readings come in; gate is started on it',
  holds:
    'health and a notification say so, and a start says so in a line; nothing acknowledged is lost once the disk is mended',
  boundMs: { short: 900_000, long: 3_600_000 },
  uses: 'mounts',
  peers: ['xfs_io'],
  obstacle: loopObstacle,
  run,
};

async function run({ scope, random, long, isOver, say }: FaultRun): Promise<Survived> {
  const ready = new ReadyTimes();
  const disk = LoopDisk.make(scope, DISK_MB);
  const gateway = await FaultHouse.at({ scope, ready, folder: join(disk.path, 'data') });
  const witness = new Witness(join(scope.folder(), 'acked'));
  scope.defer(() => witness.close());
  const ledger = new Ledger(gateway.storePath);
  await gateway.start();
  await witness.move(gateway.api);
  const rounds = ROUNDS[long ? 'long' : 'short'];
  let round = 0;
  for (; round < rounds && !isOver(); round += 1) {
    say(`round ${round} of ${rounds}`);
    await witness.heard(30);
    await pause(random.next() * 300);
    disk.becomeReadOnly();
    await toldOf({ gateway, witness }, /read-only|input\/output|cannot be (written|opened)/);
    await gateway.daemon.kill();
    const daemon = gateway.spawn();
    const ended = await Promise.race([daemon.exited, up(daemon)]);
    if (ended === 'up') await daemon.kill();
    else demandWords(daemon.errors);
    await disk.unmount();
    disk.check();
    disk.mount();
    await gateway.start();
    await witness.heard(30);
    ledger.look(witness);
  }
  await witness.settled();
  ledger.audit(witness);
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  await disk.unmount();
  return {
    faults: round,
    planned: rounds,
    counts: { 'readings acknowledged': witness.acked.size, ready: ready.words() },
  };
}
