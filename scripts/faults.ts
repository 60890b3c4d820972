/**
 * `npm run faults [-- --only NAME … --seed N --long]`: breaks the gateway on purpose and looks at whether its promises
 * held. Builds what is packaged first (`--no-build` takes it as it is) and writes `docs/faults.md` (`--no-report` does
 * not). One line for each scenario; a failure tells how it is repeated, and the exit code is 1. Everything a scenario
 * starts, mounts or writes goes with it, also on Ctrl-C.
 */
import './faults/built.ts';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Scope } from './bench/scope.ts';
import { clock } from './faults/clock.ts';
import { damaged } from './faults/damage.ts';
import { diskFull } from './faults/disk-full.ts';
import { type FaultResult, writeFaultDocument } from './faults/fault-document.ts';
import { handles } from './faults/handles.ts';
import { kills } from './faults/kills.ts';
import { neighbours } from './faults/neighbours.ts';
import { network } from './faults/network.ts';
import { powerCut } from './faults/power-cut.ts';
import { Random } from './faults/random.ts';
import { readOnly } from './faults/read-only.ts';
import type { Scenario, Survived } from './faults/scenario.ts';
import { soak } from './faults/soak.ts';
import { upgrades } from './faults/upgrades.ts';

const SCENARIOS: readonly Scenario[] = [
  kills,
  upgrades,
  powerCut,
  damaged,
  diskFull,
  readOnly,
  handles,
  clock,
  network,
  neighbours,
  soak,
];
const SEEDS = 1_000_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
    long: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    'no-report': { type: 'boolean', default: false },
  },
});
const unknown = values.only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0 || !/^\d{1,9}$/.test(values.seed ?? '0')) {
  const names = SCENARIOS.map(({ name }) => name).join(', ');
  console.error(`--only takes ${names}; --seed takes a whole number`);
  process.exit(2);
}
const seed = values.seed === undefined ? randomInt(SEEDS) : Number(values.seed);
const form = values.long ? 'long' : 'short';

if (!values['no-build']) {
  const { status } = spawnSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

let scope = new Scope();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    console.log(`\n${signal}: cleaning up`);
    void scope.end().finally(() => process.exit(130));
  });
}

/** @throws whatever it found, or that it was not done in time */
async function survive(scenario: Scenario, say: (line: string) => void): Promise<Survived> {
  const boundMs = scenario.boundMs[form];
  const timer = new AbortController();
  const late = setTimeout(() => timer.abort(), boundMs);
  const tooLate = new Promise<never>((_, reject) =>
    timer.signal.addEventListener('abort', () =>
      reject(new Error(`it was not done within its ${boundMs / 1_000} s`)),
    ),
  );
  try {
    const run = scenario.run({
      scope,
      random: new Random(seed, scenario.name),
      long: values.long,
      signal: timer.signal,
      say,
    });
    return await Promise.race([run, tooLate]);
  } finally {
    clearTimeout(late);
  }
}

console.log(`seed ${seed}, ${form} form`);
const results: FaultResult[] = [];
for (const scenario of SCENARIOS) {
  const { name } = scenario;
  if (values.only.length > 0 && !values.only.includes(name)) continue;
  const obstacle = scenario.obstacle?.();
  if (obstacle !== undefined) {
    console.log(`${name}: skipped: ${obstacle}`);
    continue;
  }
  const startedAt = performance.now();
  scope = new Scope();
  let last = '';
  const result = { scenario: name, form, faults: 0, counted: '', result: 'survived', seed } as const;
  let survived: Survived | undefined;
  try {
    survived = await survive(scenario, (line) => {
      last = line;
      console.log(`${name}: ${line}`);
    });
  } catch (error) {
    if (interrupted) await new Promise<never>(() => undefined);
    console.error(`${name}: FAILED (after: ${last})\n`, error);
    console.error(
      `${name}: to repeat it: npm run faults -- --only ${name} --seed ${seed}${values.long ? ' --long' : ''}`,
    );
    process.exitCode = 1;
  }
  if (interrupted) await new Promise<never>(() => undefined);
  await scope.end();
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const date = new Date().toISOString().slice(0, 10);
  if (survived === undefined) {
    results.push({ ...result, result: '**failed**', date, seconds });
    continue;
  }
  const counted = Object.entries(survived.counts)
    .map(([what, count]) => `${what}: ${typeof count === 'number' ? count.toLocaleString('en') : count}`)
    .join('; ');
  console.log(`${name}: survived ${survived.faults} faults in ${seconds} s; ${counted}`);
  results.push({ ...result, faults: survived.faults, counted, date, seconds });
}
if (!values['no-report'] && results.length > 0) writeFaultDocument(SCENARIOS, results);
const failed = results.filter(({ result }) => result !== 'survived');
console.log(
  failed.length === 0
    ? `${results.length} scenarios survived`
    : `${failed.length} of ${results.length} scenarios failed: ${failed.map(({ scenario }) => scenario).join(', ')}`,
);
// what a scenario that was given up left undone keeps nobody waiting
process.exit(process.exitCode ?? 0);
