/**
 * `kill -9` in the middle of an update of gate itself: of the updater (at random, and at a system call), of the daemon
 * beside it, of both as in a power cut; of what ends it afterwards too; and now and then the note of how far it was is
 * damaged meanwhile. The updater's own work, on releases of the real daemon.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { checkRelease, trustedKeys } from '../../src/updater/release-check.ts';
import { LocalApi } from '../../test/support/local-api.ts';
import { type ProcessService, runningIn } from '../../test/support/process-service.ts';
import { until } from '../../test/support/until.ts';
import { reasonToSkip } from '../peers/peers.ts';
import { type DamageKind, damage } from './damage-kinds.ts';
import { folderService, placesIn } from './folder-service.ts';
import { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { KINDS, type Kind, linkTree, NEW, OLD, UpdateReleases } from './update-releases.ts';

const CUTS = { short: 8, long: 2_000 };
const PROGRAM = join(import.meta.dirname, 'updating-program.ts');
const DEVICES = 8;
const RECOVERY_SPREAD_MS = 900;
const UPDATE_MS = 90_000;
/** System calls by which an update makes its steps, and how many of them come. */
const STEPS: Record<string, number> = { rename: 18, fsync: 50, symlink: 2, unlink: 12, copy_file_range: 2 };
const VICTIMS = [
  'updater',
  'updater',
  'updater at a step',
  'updater at a step',
  'updater at its end',
  'updater at its end',
  'daemon',
  'both',
] as const;
/** From the word that the new release has proved itself. */
const END_SPREAD_MS = 60;
const NOTES = ['state.json', 'state.json', 'state-copy.json'];
const NOTE_DAMAGE: readonly DamageKind[] = ['torn', 'empty', 'flipped', 'zeroed', 'folder'];

const PEERS = ['strace'] as const;

export const updates: Scenario = {
  name: 'updates',
  breaks:
    '`kill -9` during an update of gate itself, to a release that comes up and to one that does not: of the updater (at random, and at a system call), of the daemon, of both, and of what ends the update afterwards; the note of how far it was is damaged meanwhile',
  holds:
    'what runs afterwards is the old release or the new one, whole, and never one that does not come up; it has every device; nothing is left between',
  boundMs: { short: 900_000, long: 6 * 3_600_000 },
  peers: PEERS,
  obstacle: () => reasonToSkip(...PEERS),
  run,
};

interface Template {
  folder: string;
  archives: ReadonlyMap<Kind, string>;
  devices: number;
  /** How long an update took that nobody interrupted: it is cut at any time in it. */
  updateMs: number;
}

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, isOver, say } = suite;
  const template = await lay(suite);
  const counts = { of: new Map<string, number>(), endedIn: new Map<string, number>() };
  let middle = 0;
  let damaged = 0;
  const cuts = CUTS[long ? 'long' : 'short'];
  let deck: (typeof VICTIMS)[number][] = [];
  let cut = 0;
  for (; cut < cuts && !isOver(); cut += 1) {
    if (deck.length === 0) deck = random.shuffled(VICTIMS);
    const victim = deck.pop() as (typeof VICTIMS)[number];
    const atEnd = victim === 'updater at its end';
    // one that does not come up never gets there
    const kind = random.pick(KINDS.filter(({ isSick }) => !atEnd || !isSick));
    say(`cut ${cut} of ${cuts}: ${victim}, a release that is ${kind.name}`);
    const box = new Box(suite, template);
    try {
      await box.open();
      if (await box.cut(victim, kind, random)) middle += 1;
      if (box.damageNote(random)) damaged += 1;
      await box.recover(victim === 'both', random);
      const version = await box.check(kind);
      add(counts.of, victim);
      add(counts.endedIn, version === NEW ? 'the new release' : 'the old one');
    } catch (error) {
      const words = `cut ${cut}, ${victim}, ${kind.name}: ${(error as Error).message}`;
      throw new FaultFound(`${words}\n${box.lastWords()}`, { cause: error });
    } finally {
      await box.close();
    }
  }
  return {
    faults: cut,
    planned: cuts,
    counts: {
      of: words(counts.of),
      'surely in the middle': middle,
      'notes damaged': damaged,
      'ended in': words(counts.endedIn),
    },
  };
}

/** The installation, the archives, and the data of a gateway with some devices, all at rest. */
async function lay(suite: FaultRun): Promise<Template> {
  const folder = suite.scope.folder();
  const releases = new UpdateReleases(suite.scope.folder());
  await releases.install(join(folder, 'opt'));
  mkdirSync(join(folder, 'data', 'update'), { recursive: true, mode: 0o700 });
  const archives = new Map<Kind, string>();
  for (const [n, kind] of KINDS.entries()) archives.set(kind, await releases.archive(kind, `new-${n}`));
  const template = { folder, archives, devices: 0, updateMs: 0 };
  const box = new Box(suite, template);
  await box.open();
  for (let n = 0; n < DEVICES; n += 1)
    await box.api.send('POST', '/device/v1/devices', { name: `d${n}`, isVirtual: true });
  const devices = (await box.api.get<unknown[]>('/device/v1/devices')).length;
  await box.service.stop();
  rmSync(join(folder, 'data'), { recursive: true });
  cpSync(box.data, join(folder, 'data'), { recursive: true });
  await box.close();
  return { ...template, devices, updateMs: await uninterrupted(suite, { ...template, devices }) };
}

/** @returns how long it takes @throws FaultFound unless the new release runs then */
async function uninterrupted(suite: FaultRun, template: Template): Promise<number> {
  const box = new Box(suite, template);
  await box.open();
  const kind = KINDS.find(({ isSick, changesStore }) => !isSick && changesStore) as Kind;
  const startedAt = performance.now();
  await box.program('run', box.spool(kind));
  const tookMs = performance.now() - startedAt;
  const version = await box.check(kind);
  demand(version === NEW, `an update that nobody interrupted ended in ${version}:\n${box.lastWords()}`);
  await box.close();
  return tookMs;
}

/** One installed gateway, and the updater at work on it. */
class Box {
  readonly #template: Template;
  readonly #folder: string;
  readonly #said: string[] = [];
  readonly #children: ChildProcess[] = [];
  readonly service: ProcessService;

  constructor({ scope }: FaultRun, template: Template) {
    this.#template = template;
    this.#folder = scope.folder();
    this.service = folderService(this.#folder);
    scope.defer(() => this.close());
  }

  get data(): string {
    return placesIn(this.#folder).dataFolder;
  }

  get api(): LocalApi {
    return new LocalApi(join(this.data, 'gate.sock'));
  }

  get #opt(): string {
    return placesIn(this.#folder).installFolder;
  }

  get #daemonId(): number | undefined {
    return runningIn(placesIn(this.#folder).idFile);
  }

  async open(): Promise<void> {
    linkTree(join(this.#template.folder, 'opt'), this.#opt);
    cpSync(join(this.#template.folder, 'data'), this.data, { recursive: true });
    await this.service.start();
    await this.#answers();
  }

  /** Runs the updater to its end. @throws FaultFound where it does not end well */
  async program(...words: string[]): Promise<void> {
    const child = this.#spawn(words);
    const [code] = await once(child, 'exit');
    demand(code === 0, `the updater (${words[0]}) ended with ${code}`);
  }

  /** Where the daemon puts it. @returns its name there */
  spool(kind: Kind): string {
    const archive = this.#template.archives.get(kind) as string;
    for (const suffix of ['.sha256', '.sig', ''])
      cpSync(archive + suffix, join(this.data, 'update', basename(archive) + suffix));
    return basename(archive);
  }

  /** @returns whether an update was under way then */
  async cut(victim: (typeof VICTIMS)[number], kind: Kind, random: Random): Promise<boolean> {
    const archive = this.spool(kind);
    const step = random.pick(Object.keys(STEPS));
    const nth = random.whole(1, (STEPS[step] as number) + 1);
    const delayMs = random.next() * this.#template.updateMs;
    // children are left alone: it is the updater's own steps that are counted
    const inject = ['-D', '-f', '-b', 'execve', '-qqq', '-o', join(this.#folder, 'steps')];
    const within =
      victim === 'updater at a step'
        ? ['strace', ...inject, '-e', `trace=${step}`, '-e', `inject=${step}:signal=KILL:when=${nth}`]
        : [];
    const updater = this.#spawn(['run', archive], within);
    const ended = once(updater, 'exit');
    if (within.length === 0) {
      const moment = victim === 'updater at its end' ? this.#settling(random) : pause(delayMs);
      await Promise.race([moment, ended]);
      if (victim !== 'daemon') updater.kill('SIGKILL');
      if (victim === 'daemon' || victim === 'both') this.#killDaemon();
    }
    const late = pause(UPDATE_MS, 'late' as const, { ref: false });
    demand((await Promise.race([ended, late])) !== 'late', 'an update did not come to an end');
    return existsSync(join(this.#opt, 'update/state.json'));
  }

  /** The new release has proved itself, or a little later. */
  async #settling(random: Random): Promise<void> {
    await until('the update settles', () => this.#said.some((line) => /settling/.test(line)), UPDATE_MS);
    await pause(random.next() * END_SPREAD_MS);
  }

  /** Now and then, where there is one. */
  damageNote(random: Random): boolean {
    const note = join(this.#opt, 'update', random.pick(NOTES));
    const kind = random.pick(NOTE_DAMAGE);
    if (random.next() < 0.5 || !existsSync(note)) return false;
    this.#said.push(`${basename(note)}: ${damage(note, kind, random)}`);
    return true;
  }

  /** As systemd does: the updater is started again, or with the machine. It may be killed once more on the way. */
  async recover(isBoot: boolean, random: Random): Promise<void> {
    const command = isBoot ? 'boot' : 'recover';
    if (random.next() < 0.3) {
      const again = this.#spawn([command]);
      const ended = once(again, 'exit');
      await Promise.race([pause(random.next() * RECOVERY_SPREAD_MS), ended]);
      again.kill('SIGKILL');
      await ended;
    }
    await this.program(command);
  }

  /** @returns the version that runs @throws FaultFound */
  async check({ isSick }: Kind): Promise<string> {
    const [current, updater] = ['current', 'updater'].map((link) =>
      basename(readlinkSync(join(this.#opt, link))),
    );
    demand(current === updater, `current is ${current}, and the updater's is ${updater}`);
    demand(current === OLD || (current === NEW && !isSick), `${current} is what was left`);
    const release = join(this.#opt, 'releases', String(current));
    await checkRelease(release, trustedKeys(join(release, 'release-keys')));
    demand(!existsSync(join(this.#opt, 'update/state.json')), 'the update has not come to an end');
    const left = readdirSync(join(this.#opt, 'releases'));
    demand(!left.includes('.incoming'), 'half a release was left behind');
    await this.#answers();
    const program = readFileSync(`/proc/${this.#daemonId}/cmdline`, 'utf8');
    demand(program.includes(`/releases/${current}/`), `${current} is current, and another one runs`);
    const { length } = await this.api.get<unknown[]>('/device/v1/devices');
    demand(length === this.#template.devices, `${length} of ${this.#template.devices} devices are there`);
    await this.service.stop();
    new Ledger(join(this.data, 'gate.db')).demandSound();
    demand(!existsSync(join(this.data, 'update/restoring')), 'a store was put back by half');
    return String(current);
  }

  lastWords(): string {
    const { log } = placesIn(this.#folder);
    const daemon = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(-10).join('\n') : '';
    return `${this.#said.join('\n')}\nThe daemon's last words:\n${daemon}`;
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#killDaemon();
    await until('the daemon has ended', () => this.#daemonId === undefined);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #killDaemon(): void {
    const id = this.#daemonId;
    if (id === undefined) return;
    try {
      process.kill(id, 'SIGKILL');
    } catch {
      // it has ended by itself meanwhile
    }
  }

  async #answers(): Promise<void> {
    const isReady = async () => (await this.api.call('GET', '/health/ready')).status === 200;
    await until('the gateway is ready', () => isReady().catch(() => false), UPDATE_MS);
  }

  #spawn(words: readonly string[], within: readonly string[] = []): ChildProcess {
    const [program = '', ...rest] = [...within, process.execPath, PROGRAM, this.#folder, ...words];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => this.#said.push(`${words[0]}: ${chunk.toString().trim()}`));
    return child;
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function words(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}
