/**
 * `npm run faults [-- --only NAME … --seed N --long]`: breaks the gateway on purpose and looks at whether its promises
 * held. Installs the programs of others that it runs with, as root; builds what is packaged (`--no-build` takes it as it
 * is), and writes `docs/faults.md` (`--no-report` does not). `--at-once 2` runs two scenarios at a time; `--long --minutes
 * 60` has each begin no further fault after an hour. One line for each scenario; a failure tells how it is repeated, and
 * the exit code is 1. Everything a scenario starts, mounts or writes goes with it, also on Ctrl-C.
 */
import './faults/built.ts';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { chosenOf, Interruptible } from './bench/interruptible.ts';
import { clock } from './faults/clock.ts';
import { containerKills } from './faults/container-kills.ts';
import { damaged } from './faults/damage.ts';
import { diskFull } from './faults/disk-full.ts';
import { type FaultResult, writeFaultDocument } from './faults/fault-document.ts';
import { handles } from './faults/handles.ts';
import { kills } from './faults/kills.ts';
import { knxKills } from './faults/knx-kills.ts';
import { neighbours } from './faults/neighbours.ts';
import { network } from './faults/network.ts';
import { inOwnMounts } from './faults/own-mounts.ts';
import { powerCut } from './faults/power-cut.ts';
import { Random } from './faults/random.ts';
import { readOnly } from './faults/read-only.ts';
import { AT_ONCE } from './faults/ready-times.ts';
import { FaultFound, type FaultRun, type Scenario, type Survived } from './faults/scenario.ts';
import { soak } from './faults/soak.ts';
import { updates } from './faults/updates.ts';
import { upgrades } from './faults/upgrades.ts';
import { zigbeeDamage } from './faults/zigbee-damage.ts';
import { zigbeeKills } from './faults/zigbee-kills.ts';
import { installPeers } from './peers/peers.ts';

const SCENARIOS: readonly Scenario[] = [
  kills,
  upgrades,
  updates,
  zigbeeKills,
  knxKills,
  containerKills,
  powerCut,
  damaged,
  zigbeeDamage,
  diskFull,
  readOnly,
  handles,
  clock,
  network,
  neighbours,
  soak,
];
const SEEDS = 1_000_000;

await inOwnMounts();

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
    long: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    'at-once': { type: 'string', default: '1' },
    'no-build': { type: 'boolean', default: false },
    'no-report': { type: 'boolean', default: false },
  },
});
const waiting = chosenOf('scenario', SCENARIOS, values.only);
if (!/^\d{1,9}$/.test(values.seed ?? '0') || !/^[1-9]$/.test(values['at-once'])) {
  console.error('--seed takes a whole number, --at-once one from 1 to 9');
  process.exit(2);
}
if (values.minutes !== undefined && !(values.long && /^[1-9]\d{0,3}$/.test(values.minutes))) {
  console.error('--minutes takes a whole number from 1 to 9999, and goes with --long');
  process.exit(2);
}
process.env[AT_ONCE] = values['at-once'];
const seed = values.seed === undefined ? randomInt(SEEDS) : Number(values.seed);
const form = values.long ? 'long' : 'short';

const peers = new Set(waiting.flatMap((scenario) => scenario.peers ?? []));
for (const trouble of installPeers([...peers])) console.error(`missing: ${trouble}`);

if (!values['no-build']) {
  const { status } = spawnSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const interruptible = new Interruptible();

/** @throws whatever it found, or that it was not done in time */
async function survive(
  scenario: Scenario,
  run: Omit<FaultRun, 'signal' | 'isOver' | 'randomOf' | 'random'>,
): Promise<Survived> {
  const boundMs = scenario.boundMs[form];
  const overAt =
    performance.now() + (values.minutes === undefined ? boundMs : Number(values.minutes) * 60_000);
  const randomOf = (part: number) => new Random(seed + part, scenario.name);
  const timer = new AbortController();
  const late = setTimeout(() => timer.abort(), boundMs);
  const tooLate = new Promise<never>((_, reject) =>
    timer.signal.addEventListener('abort', () =>
      reject(new Error(`it was not done within its ${boundMs / 1_000} s`)),
    ),
  );
  try {
    const { signal } = timer;
    const isOver = () => signal.aborted || performance.now() > overAt;
    return await Promise.race([
      scenario.run({ ...run, signal, isOver, random: randomOf(0), randomOf }),
      tooLate,
    ]);
  } finally {
    clearTimeout(late);
  }
}

async function attempt(scenario: Scenario): Promise<FaultResult | undefined> {
  const { name } = scenario;
  const obstacle = scenario.obstacle?.();
  if (obstacle !== undefined) {
    console.log(`${name}: skipped: ${obstacle}`);
    skipped.push(name);
    return undefined;
  }
  const startedAt = performance.now();
  let last = '';
  const say = (line: string) => {
    last = line;
    console.log(`${name}: ${line}`);
  };
  const survived = await interruptible
    .within((scope) => survive(scenario, { scope, long: values.long, say }))
    .catch((error: unknown) => {
      console.error(`${name}: FAILED (after: ${last})\n`, error);
      const from = seed + (error instanceof FaultFound ? error.part : 0);
      const again = `--only ${name} --seed ${from}${values.long ? ' --long' : ''}`;
      console.error(`${name}: to repeat it: npm run faults -- ${again}`);
    });
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const date = new Date().toISOString().slice(0, 10);
  const result = { scenario: name, form, seed, date, seconds } as const;
  if (!survived) return { ...result, faults: 0, counted: '', result: '**failed**' };
  const counted = Object.entries(survived.counts)
    .map(([what, count]) => `${what}: ${typeof count === 'number' ? count.toLocaleString('en') : count}`)
    .join('; ');
  const { faults, planned } = survived;
  console.log(`${name}: survived ${faults} faults in ${seconds} s; ${counted}`);
  return { ...result, faults, planned, counted, result: 'survived' };
}

console.log(`seed ${seed}, ${form} form`);
const results: FaultResult[] = [];
const skipped: string[] = [];
const running = new Map<Scenario, Promise<void>>();
const fits = ({ uses }: Scenario) =>
  uses === undefined || [...running.keys()].every((other) => other.uses === undefined || other.uses === uses);

async function record(scenario: Scenario): Promise<void> {
  const result = await attempt(scenario);
  running.delete(scenario);
  if (!result) return;
  results.push(result);
  // each as it comes: a run that is broken off leaves what it has found
  if (!values['no-report']) writeFaultDocument(SCENARIOS, [result]);
}

const work = async () => {
  while (waiting.length > 0) {
    const at = waiting.findIndex(fits);
    if (at === -1) {
      await Promise.race(running.values());
      continue;
    }
    const [scenario] = waiting.splice(at, 1) as [Scenario];
    const recorded = record(scenario);
    running.set(scenario, recorded);
    await recorded;
  }
};
await Promise.all(Array.from({ length: Number(values['at-once']) }, work));
const failed = results.filter(({ result }) => result !== 'survived');
console.log(
  failed.length === 0
    ? `${results.length} scenarios survived`
    : `${failed.length} of ${results.length} scenarios failed: ${failed.map(({ scenario }) => scenario).join(', ')}`,
);
if (skipped.length > 0) console.log(`${skipped.length} scenarios were skipped: ${skipped.join(', ')}`);
// what a scenario that was given up left undone keeps nobody waiting
process.exit(failed.length === 0 ? 0 : 1);
