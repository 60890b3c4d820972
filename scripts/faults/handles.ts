/** There are no more file handles: others take them all, by connections to the API, and give them back. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { demandWords, up } from './store-trouble.ts';
import { Witness } from './witness.ts';

const ROUNDS = { short: 3, long: 200 };
/** Handles that are left when it begins. */
const SPARE = 12;
const CONNECTIONS = 60;
/** Too few for a start, and just enough for one; with 20 not even Node begins. */
const START_LIMITS = [24, 28, 32, 36, 40, 48];
const ANSWERS_MS = 20_000;

export const handles: Scenario = {
  name: 'handles',
  breaks: 'connections to the API take all file handles that the daemon may have; it is started with too few',
  holds:
    'readings are acknowledged and stored meanwhile; once there are handles again the API answers; a start that cannot be says why',
  boundMs: { short: 900_000, long: 3_600_000 },
  run,
};

async function run({ scope, random, long, isOver, say }: FaultRun): Promise<Survived> {
  const ready = new ReadyTimes();
  const gateway = await FaultHouse.at({ scope, ready, folder: scope.folder() });
  const witness = new Witness(join(scope.folder(), 'acked'));
  scope.defer(() => witness.close());
  const ledger = new Ledger(gateway.storePath);
  await gateway.start();
  await witness.move(gateway.api);
  let faults = 0;
  const rounds = ROUNDS[long ? 'long' : 'short'];
  for (let round = 0; round < rounds && !isOver(); round += 1) {
    say(`round ${round}`);
    await witness.heard(30);
    limit(gateway, handlesOf(gateway) + random.whole(0, SPARE));
    const held = Array.from({ length: CONNECTIONS }, () => taken(join(gateway.folder, 'gate.sock')));
    await pause(500);
    await witness.heard(50);
    for (const socket of held) socket.destroy();
    await until(
      'the API answers again',
      async () => (await gateway.api.call('GET', '/health/ready')).status === 200,
      ANSWERS_MS,
    );
    limit(gateway, 4_096);
    ledger.look(witness);
    faults += 1;
  }
  for (const max of random.shuffled(START_LIMITS)) {
    say(`a start with ${max}`);
    await gateway.daemon.kill();
    const daemon = gateway.spawn(['prlimit', `--nofile=${max}`]);
    const ended = await Promise.race([daemon.exited, up(daemon), pause(ANSWERS_MS, 'nothing')]);
    demand(ended !== 'nothing', `with ${max} handles it neither starts nor ends:\n${gateway.lastWords()}`);
    if (ended === 'up') await daemon.kill();
    else demandWords(daemon.errors);
    await gateway.start();
    ledger.look(witness);
    faults += 1;
  }
  await witness.settled();
  ledger.audit(witness);
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  const planned = rounds + START_LIMITS.length;
  return { faults, planned, counts: { 'readings acknowledged': witness.acked.size, ready: ready.words() } };
}

const handlesOf = ({ daemon }: FaultHouse) => readdirSync(`/proc/${daemon.process.pid}/fd`).length;

function limit({ daemon }: FaultHouse, count: number): void {
  execFileSync('prlimit', ['--pid', String(daemon.process.pid), `--nofile=${count}:4096`]);
}

function taken(path: string): Socket {
  const socket = connect(path);
  socket.on('error', () => undefined);
  return socket;
}
