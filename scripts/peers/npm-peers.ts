/**
 * Programs of others from npm that benchmarks and container tests run against: far too large to be development dependencies. Each is
 * installed in one exact version into a folder of its own in the user's cache, outside the repository, without running
 * any of its scripts. What is there already is not touched.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const NPM_PEERS = { 'node-red': '5.0.7', zigbee2mqtt: '2.14.1' } as const;
export type NpmPeerName = keyof typeof NPM_PEERS;
export const NPM_PEER_NAMES = Object.keys(NPM_PEERS) as NpmPeerName[];

const INSTALL_MS = 300_000;

const cacheFolder = () => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'gate-peers');

/** Where the package lies, once it is installed. */
export function npmPeerFolder(name: NpmPeerName): string {
  return join(cacheFolder(), `${name}-${NPM_PEERS[name]}`, 'node_modules', name);
}

/** As `reasonToSkip` of the other peers. @throws in continuous integration */
export function reasonToSkipNpm(name: NpmPeerName): string | undefined {
  if (existsSync(join(npmPeerFolder(name), 'package.json'))) return undefined;
  const reason = `not installed: ${name} ${NPM_PEERS[name]} (node scripts/peers.ts ${name})`;
  if (process.env['CI']) throw new Error(`a peer of the tests is ${reason}`);
  return reason;
}

/** @returns why it could not be had, in words; undefined when it is there */
export function installNpmPeer(name: NpmPeerName): string | undefined {
  if (existsSync(join(npmPeerFolder(name), 'package.json'))) return undefined;
  const version = NPM_PEERS[name];
  mkdirSync(cacheFolder(), { recursive: true });
  // whole or not at all: it is put in its place when npm is done
  const part = mkdtempSync(join(cacheFolder(), `${name}-`));
  try {
    writeFileSync(join(part, 'package.json'), '{"private":true}\n');
    const flags = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock'];
    const { status, signal, stderr, error } = spawnSync('npm', ['install', ...flags, `${name}@${version}`], {
      cwd: part,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_MS,
      encoding: 'utf8',
    });
    if (status !== 0) {
      const lastWords = stderr?.trim().split('\n').at(-1);
      const why = signal ? `not done within ${INSTALL_MS / 1_000} s` : (error?.message ?? lastWords);
      return `${name} ${version}: npm install: ${why || `ended with ${status}`}`;
    }
    const place = join(cacheFolder(), `${name}-${version}`);
    rmSync(place, { recursive: true, force: true });
    renameSync(part, place);
    return undefined;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}
