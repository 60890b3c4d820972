/**
 * The programs of others that tests and benchmarks run against, from Debian's packages: what each is called, and how
 * it gets onto this machine. In continuous integration one that is missing is an error; elsewhere it is a reason to
 * skip, told by name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Peer {
  /** Debian's packages that bring it. */
  packages: readonly string[];
  /** What must be there for it to count as installed. */
  programs: readonly string[];
}

export const PEERS = {
  chromium: { packages: ['chromium'], programs: ['chromium'] },
  curl: { packages: ['curl'], programs: ['curl'] },
  docker: {
    packages: ['docker.io', 'docker-registry', 'busybox-static'],
    programs: ['dockerd', 'docker', 'docker-registry', 'busybox'],
  },
  /** A clock that a test may set: that of the program that it starts. */
  faketime: { packages: ['faketime'], programs: ['faketime'] },
  /** Networks of their own, and what goes wrong in them. */
  iproute2: { packages: ['iproute2'], programs: ['ip', 'tc'] },
  iptables: { packages: ['iptables'], programs: ['iptables'] },
  influxdb: { packages: ['influxdb'], programs: ['influxd'] },
  knxd: { packages: ['knxd', 'knxd-tools'], programs: ['knxd', 'knxtool'] },
  mosquitto: {
    packages: ['mosquitto', 'mosquitto-clients'],
    programs: ['mosquitto', 'mosquitto_pub', 'mosquitto_sub'],
  },
  /** A Debian of its own, started with its own systemd. */
  machine: { packages: ['mmdebstrap', 'systemd-container'], programs: ['mmdebstrap', 'systemd-nspawn'] },
  openssl: { packages: ['openssl'], programs: ['openssl'] },
  podman: {
    packages: ['podman', 'netavark', 'aardvark-dns', 'runc', 'catatonit'],
    programs: ['podman', 'runc', 'catatonit'],
  },
  /** Runs programs of arm64 on another processor, with that one's C library. */
  qemu: {
    packages: ['qemu-user-static', 'libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libatomic1-arm64-cross'],
    // beside the programs of /usr/bin
    programs: ['qemu-aarch64-static', '../aarch64-linux-gnu/lib/ld-linux-aarch64.so.1'],
  },
  shellcheck: { packages: ['shellcheck'], programs: ['shellcheck'] },
  socat: { packages: ['socat'], programs: ['socat'] },
  strace: { packages: ['strace'], programs: ['strace'] },
  tmux: { packages: ['tmux'], programs: ['tmux'] },
  xfs_io: { packages: ['xfsprogs'], programs: ['xfs_io'] },
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof PEERS;
export const PEER_NAMES = Object.keys(PEERS) as PeerName[];

/** Daemons are put here, and it is not in everybody's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin'];
/** One run of apt-get, a slow line included. */
const INSTALL_MS = 180_000;

/** The whole path of a program, or undefined. */
export function programPath(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS].filter(Boolean);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** The programs of a peer that are not there; none: it can be used. */
export function missingPrograms(name: PeerName): string[] {
  return PEERS[name].programs.filter((program) => programPath(program) === undefined);
}

/**
 * Sees to it that these peers are there; what is there already is not touched. Needs root and Debian's packages.
 * @returns for each that could not be had why, in words; empty when all are there
 */
export function installPeers(names: readonly PeerName[]): string[] {
  const wanted = names.filter((name) => missingPrograms(name).length > 0);
  if (wanted.length === 0) return [];
  const trouble = aptInstall(wanted.flatMap((name) => [...PEERS[name].packages]));
  return wanted.flatMap((name) => {
    const missing = missingPrograms(name);
    if (missing.length === 0) return [];
    return [`${name} (${missing.join(', ')}): ${trouble ?? 'its packages bring no such program'}`];
  });
}

/**
 * For tests: why a peer cannot be used, to be shown beside the skip; undefined when it can. It installs nothing.
 * @throws in continuous integration, where nothing may be skipped
 */
export function reasonToSkip(...names: PeerName[]): string | undefined {
  const missing = names.filter((name) => missingPrograms(name).length > 0);
  if (missing.length === 0) return undefined;
  const reason = `not installed: ${missing.join(', ')} (node scripts/peers.ts ${missing.join(' ')})`;
  if (process.env['CI']) throw new Error(`a peer of the tests is ${reason}`);
  return reason;
}

/** @returns what went wrong, in words; undefined when nothing did */
function aptInstall(packages: readonly string[]): string | undefined {
  if (!programPath('apt-get')) return 'there is no apt-get here: install it by hand';
  if (process.getuid?.() !== 0) return `only root can install it: apt-get install ${packages.join(' ')}`;
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  const first = aptGet(install);
  // lists may be missing or old: then they are fetched, and it is tried once more
  if (first === undefined) return undefined;
  return aptGet(['update']) ?? aptGet(install);
}

function aptGet(args: readonly string[]): string | undefined {
  const settings = ['-o', 'DPkg::Lock::Timeout=60', '-o', 'Acquire::Retries=2', '--quiet=2'];
  const { status, signal, stderr, error } = spawnSync('apt-get', [...settings, ...args], {
    // runlevel 1: a service is installed without being started, for who uses it starts it on a port of its own
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_MS,
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  const lastWords = stderr?.trim().split('\n').at(-1);
  const why = signal ? `not done within ${INSTALL_MS / 1_000} s` : (error?.message ?? lastWords);
  return `apt-get ${args[0]}: ${why || `ended with ${status}`}`;
}
