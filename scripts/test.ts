/**
 * `npm test`: everything that must be true before a change lands, cheapest first. Ends with the line
 * `N passed, N failed`, and a non-zero exit code when anything failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { installNpmPeer } from './peers/npm-peers.ts';
import { installPeers, reasonToSkip } from './peers/peers.ts';

interface Outcome {
  passed: number;
  failed: number;
  /** What failed, a paragraph each. */
  failures: readonly string[];
}

const failure = (...words: string[]): Outcome => ({ passed: 0, failed: 1, failures: words });

const folder = mkdtempSync(join(tmpdir(), 'gate-test-report-'));

interface Run {
  environment?: Record<string, string>;
  /** What it says is shown when it has ended: beside another one its lines would be lost among that one's. */
  later?: boolean;
}

function run(command: string, args: string[], { environment, later = false }: Run = {}): Promise<boolean> {
  const words = `\n> ${command} ${args.join(' ')}\n`;
  const said: Buffer[] = [];
  if (!later) process.stdout.write(words);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: later ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => said.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (later) process.stdout.write(Buffer.concat([Buffer.from(words), ...said]));
      resolve(code === 0);
    });
  });
}

/** A check passes or fails as a whole. */
async function check(command: string, args: string[]): Promise<Outcome> {
  const succeeded = await run(command, args);
  return succeeded ? { passed: 1, failed: 0, failures: [] } : failure([command, ...args].join(' '));
}

interface Share extends Run {
  name: string;
  /** What mocha is given: patterns of files, and `--ignore` before those that another share has. */
  files: readonly string[];
}

/** What the reporter leaves in its file. */
interface Report {
  passes: number;
  failures: number;
  failed: readonly { test: string; file?: string; error: string }[];
}

/** One share of the tests; a runner that broke off, or ran nothing, is a failure too. */
async function tests({ name, files, ...how }: Share): Promise<Outcome> {
  const report = join(folder, `${name}.json`);
  const reporters = ['--reporter', './scripts/mocha-reporter.cjs', '--reporter-option', `output=${report}`];
  const succeeded = await run('mocha', [...reporters, ...files], how);
  let told: Report;
  try {
    told = JSON.parse(readFileSync(report, 'utf8')) as Report;
  } catch (error) {
    return failure(`${name}: broke off, and left no report (${String(error)})`);
  }
  const { passes, failures, failed } = told;
  const paragraphs = failed.map(({ test, file = '', error }) => `${test}\n${relative('.', file)}\n${error}`);
  if (passes > 0 && (succeeded || failures > 0))
    return { passed: passes, failed: failures, failures: paragraphs };
  const broken = `${name}: ${passes > 0 ? 'ended with an error though none of its tests failed' : 'ran no test'}`;
  return { passed: passes, failed: failures + 1, failures: [...paragraphs, broken] };
}

/**
 * Shares that get in nobody's way: each has ports and folders of its own. Those of one row follow each other. The first row
 * is shown as it runs.
 */
async function sideBySide(rows: readonly (readonly Share[])[]): Promise<Outcome[]> {
  const ended = await Promise.all(
    rows.map(async (row, index) => {
      const outcomes: Outcome[] = [];
      for (const share of row) outcomes.push(await tests({ ...share, later: index > 0 }));
      return outcomes;
    }),
  );
  return ended.flat();
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
outcomes.push(await check('node', ['scripts/secrets.ts']));
// a peer that cannot be had is named beside each test that it skips, and fails there in continuous integration
const PEERS = [
  'chromium',
  'curl',
  'openssl',
  'mosquitto',
  'knxd',
  'socat',
  'iproute2',
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
outcomes.push(
  ...(await sideBySide([
    [{ name: 'integration', files: ['test/integration/**/*.test.ts'] }],
    [{ name: 'unit', files: ['test/unit/**/*.test.ts'] }],
  ])),
);
// end to end, what is packaged is what is run; whatever starts a container engine is in one share: two engines on a
// machine get in each other's way
outcomes.push(await check('node', ['scripts/build.ts']));
const environment = { GATE_BUILT: resolve('dist') };
const engines = [
  'test/e2e/containers*.test.ts',
  'test/e2e/dashboard/pulling.test.ts',
  'test/e2e/packaging/**/*.test.ts',
];
const pages = 'test/e2e/dashboard/**/*.test.ts';
// they wait more than they work
const zigbee = 'test/e2e/zigbee/**/*.test.ts';
const apart = [...engines, pages, zigbee].flatMap((pattern) => ['--ignore', pattern]);
outcomes.push(
  ...(await sideBySide([
    [{ name: 'e2e', files: ['test/e2e/**/*.test.ts', ...apart], environment }],
    [{ name: 'e2e-engines', files: engines, environment }],
    [
      { name: 'e2e-pages', files: [pages, '--ignore', 'test/e2e/dashboard/pulling.test.ts'], environment },
      { name: 'e2e-zigbee', files: [zigbee], environment },
    ],
  ])),
);
// and broken on purpose, in the short form; three scenarios at a time: they wait more than they work. The same faults for each
// change, so that what fails is the change's; other ones: `npm run faults`
const faults = ['scripts/faults.ts', '--no-build', '--no-report', '--at-once', '3', '--seed', '847517'];
outcomes.push(await check('node', faults));
rmSync(folder, { recursive: true, force: true });

const sum = (pick: (outcome: Outcome) => number) =>
  outcomes.reduce((total, outcome) => total + pick(outcome), 0);
const failed = sum((outcome) => outcome.failed);
// said again where somebody looks first: each stands somewhere in ten thousand lines
for (const words of outcomes.flatMap(({ failures }) => failures)) console.log(`\nfailed: ${words}`);
console.log(`\n${sum((outcome) => outcome.passed)} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
