/**
 * A machine as an installer finds it: a fresh Debian with its own systemd as process 1, in namespaces of its own. It is
 * started, switched off and has its power cut as a box has. Needs root.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { reasonToSkip } from '../../scripts/peers/peers.ts';
import { until } from './until.ts';

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/gate');
const CACHE_MAX_AGE_MS = 7 * 86_400_000;
const BOOTSTRAP_MS = 600_000;
const BOOT_MS = 90_000;
const COMMAND_MS = 180_000;
const PACKAGES = 'systemd,systemd-sysv,dbus,udev';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** Why there can be no such machine here; undefined when there can. @throws in continuous integration */
export function reasonForNoMachine(): string | undefined {
  const missing = reasonToSkip('machine');
  if (missing !== undefined || process.getuid?.() === 0) return missing;
  if (process.env['CI']) throw new Error('only root can start a machine');
  return 'only root can start a machine';
}

/** A fresh Debian as one file: made once in a week, from Debian's packages. */
function freshDebian(): string {
  const release = readFileSync('/etc/os-release', 'utf8');
  const isDebian = /^ID=debian$/m.test(release);
  const suite = (isDebian && /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1]) || 'bookworm';
  const file = join(CACHE, `debian-${suite}.tar`);
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age < CACHE_MAX_AGE_MS) return file;
  mkdirSync(CACHE, { recursive: true });
  // this machine's own sources: a mirror near by, where there is one
  const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter(
    (path) => isDebian && existsSync(path),
  );
  const { status, stderr } = spawnSync(
    'mmdebstrap',
    [
      '--variant=minbase',
      `--include=${PACKAGES}`,
      '--aptopt=Acquire::Languages "none"',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      suite,
      `${file}.new.tar`,
      ...sources.slice(0, 1),
    ],
    { encoding: 'utf8', timeout: BOOTSTRAP_MS, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (status !== 0) throw new Error(`mmdebstrap: ${stderr.slice(-2_000)}`);
  renameSync(`${file}.new.tar`, file);
  return file;
}

const OFF: CommandResult = { status: -1, stdout: '', stderr: 'the machine is off' };

export class DebianMachine {
  readonly root: string;
  #container: ChildProcess | undefined;
  #console = '';

  private constructor(root: string) {
    this.root = root;
  }

  /** A new one, switched off. */
  static unpack(folder: string): DebianMachine {
    const root = join(folder, 'machine');
    mkdirSync(root);
    const { status, stderr } = spawnSync(
      'tar',
      ['--extract', `--file=${freshDebian()}`, `--directory=${root}`],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(stderr);
    return new DebianMachine(root);
  }

  /** Switches it on, and waits until systemd has started everything. */
  async start(): Promise<void> {
    const container = spawn(
      'systemd-nspawn',
      [
        '--quiet',
        '--boot',
        `--directory=${this.root}`,
        '--machine=gate-test',
        '--private-network',
        '--register=no',
        '--keep-unit',
        '--console=pipe',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#container = container;
    for (const stream of [container.stdout, container.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#console = (this.#console + chunk.toString()).slice(-4_000);
      });
    try {
      await until(
        'the machine is up',
        async () => {
          if (container.exitCode !== null) throw new Error(this.#console);
          const { stdout } = await this.run('systemctl is-system-running');
          return /^(running|degraded)/.test(stdout);
        },
        BOOT_MS,
      );
    } catch (error) {
      throw new Error(`${error}: ${this.#console}`);
    }
  }

  /** A command of a shell on the machine. */
  run(command: string): Promise<CommandResult> {
    const leader = this.#leader();
    if (leader === undefined) return Promise.resolve(OFF);
    const enter = ['-t', leader, '-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w', '--'];
    const words = [...enter, '/usr/bin/env', '-i', 'HOME=/root', `PATH=${PATH}`, '/bin/sh', '-c', command];
    return new Promise((done) => {
      execFile('nsenter', words, { timeout: COMMAND_MS, encoding: 'utf8' }, (error, stdout, stderr) =>
        done({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
      );
    });
  }

  /** What a command prints that must succeed. */
  async demand(command: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(command);
    if (status === 0) return stdout.trim();
    throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`);
  }

  /** Switches it off in order. */
  async stop(): Promise<void> {
    const container = this.#container;
    if (!container || container.exitCode !== null) return;
    const gone = once(container, 'exit');
    await this.run('systemctl poweroff');
    await gone;
  }

  /** Nothing is told that it ends. */
  async cutPower(): Promise<void> {
    const container = this.#container;
    if (!container || container.exitCode !== null) return;
    const gone = once(container, 'exit');
    const leader = this.#leader();
    if (leader !== undefined) process.kill(Number(leader), 'SIGKILL');
    await gone;
  }

  /** A command in its files while it is off, with no systemd. */
  runSwitchedOff(command: string): CommandResult {
    const { status, stdout, stderr } = spawnSync(
      'systemd-nspawn',
      [
        '--quiet',
        `--directory=${this.root}`,
        '--register=no',
        '--keep-unit',
        '--private-network',
        '--pipe',
        '/bin/sh',
        '-c',
        command,
      ],
      { encoding: 'utf8', timeout: COMMAND_MS, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return { status: status ?? -1, stdout, stderr };
  }

  /** Its process 1, as seen from here. @throws Error when it is off */
  get leader(): string {
    const leader = this.#leader();
    if (leader === undefined) throw new Error(OFF.stderr);
    return leader;
  }

  #leader(): string | undefined {
    const id = this.#container?.pid;
    try {
      const children = readFileSync(`/proc/${id}/task/${id}/children`, 'utf8').trim().split(' ');
      return children.find(Boolean);
    } catch {
      return undefined;
    }
  }

  async remove(): Promise<void> {
    await this.cutPower();
    rmSync(this.root, { recursive: true, force: true });
  }
}
