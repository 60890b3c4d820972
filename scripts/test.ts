/**
 * `npm test`: everything that must be true before a change lands, cheapest first. Ends with the line
 * `N passed, N failed`, and a non-zero exit code when anything failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installNpmPeer } from './peers/npm-peers.ts';
import { installPeers, reasonToSkip } from './peers/peers.ts';

interface Outcome {
  passed: number;
  failed: number;
}

const folder = mkdtempSync(join(tmpdir(), 'gate-test-report-'));

function run(command: string, args: string[], environment: Record<string, string> = {}): Promise<boolean> {
  console.log(`\n> ${command} ${args.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** A check passes or fails as a whole. */
async function check(command: string, args: string[]): Promise<Outcome> {
  return (await run(command, args)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** One folder of tests; a runner that broke off, or ran nothing, is a failure too. */
async function tests(kind: string, environment?: Record<string, string>): Promise<Outcome> {
  const report = join(folder, `${kind}.json`);
  const reporters = ['--reporter', './scripts/mocha-reporter.cjs', '--reporter-option', `output=${report}`];
  const succeeded = await run('mocha', [...reporters, `test/${kind}/**/*.test.ts`], environment);
  try {
    const { passes, failures } = JSON.parse(readFileSync(report, 'utf8')) as {
      passes: number;
      failures: number;
    };
    const broken = passes === 0 || (!succeeded && failures === 0) ? 1 : 0;
    return { passed: passes, failed: failures + broken };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const outcomes: Outcome[] = [];
outcomes.push(await check('tsc', ['-p', 'tsconfig.json']));
outcomes.push(
  await check('svelte-check', ['--tsconfig', 'src/dashboard/tsconfig.json', '--fail-on-warnings']),
);
outcomes.push(await check('biome', ['ci', '--colors=off', '.']));
outcomes.push(
  await check('depcruise', ['--config', '.dependency-cruiser.cjs', 'src', 'addons', 'scripts', 'test']),
);
// a peer that cannot be had is named beside each test that it skips, and fails there in continuous integration
const PEERS = [
  'chromium',
  'curl',
  'openssl',
  'mosquitto',
  'knxd',
  'socat',
  'docker',
  'podman',
  'machine',
  'shellcheck',
  'faketime',
  'qemu',
  'strace',
  'xfs_io',
  'tmux',
] as const;
for (const trouble of [...installPeers(PEERS), installNpmPeer('node-red')])
  if (trouble !== undefined) console.log(`\nmissing: ${trouble}`);
if (reasonToSkip('shellcheck') === undefined)
  outcomes.push(await check('shellcheck', ['packaging/install.sh', 'packaging/bin/gate']));
outcomes.push(await tests('unit'));
outcomes.push(await tests('integration'));
// end to end, what is packaged is what is run
outcomes.push(await check('node', ['scripts/build.ts']));
outcomes.push(await tests('e2e', { GATE_BUILT: resolve('dist') }));
// and broken on purpose, in the short form; two scenarios at a time, for two cores
const faults = ['scripts/faults.ts', '--no-build', '--no-report', '--at-once', '2'];
outcomes.push(await check('node', faults));
rmSync(folder, { recursive: true, force: true });

const sum = (pick: (outcome: Outcome) => number) =>
  outcomes.reduce((total, outcome) => total + pick(outcome), 0);
const failed = sum((outcome) => outcome.failed);
console.log(`\n${sum((outcome) => outcome.passed)} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
