/**
 * One update: checked and unpacked beside while the old release runs; then the old one is stopped, the link switched,
 * the new one started and watched. Unless it is healthy and stays so, everything goes back by itself.
 *
 * Before each step the state is on disk. Interrupted anywhere, `recover` ends in the old release or, once the new one
 * has proved itself, in the new one. `docs/decisions/0025-releases-and-updates.md` has the steps.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { removeDurably, writeDurably } from './durable-file.ts';
import { compareVersions, type Phase, type UpdateRequest, type UpdateState } from './forms.ts';
import { runningParts, tryOut } from './health-watch.ts';
import { type InstallFolders, installFolders, spoolFolders } from './install-folders.ts';
import { checkArchive, checkRelease, readManifest, trustedKeys } from './release-check.ts';
import { Releases } from './releases.ts';
import type { GatewayService } from './service.ts';
import { interruptedUpdate, noteUpdate } from './update-note.ts';

/** Within so long a new release has to be healthy, and then for so long to stay so. */
export const HEALTHY_WITHIN_MS = 120_000;
export const STEADY_MS = 10_000;
/** A store that is brought up to date may take longer, by its size: a slow card writes so much. */
const MIGRATED_BYTES_PER_MS = 2_000;
/** What is left over of the disk while a store is kept and brought up to date, each a copy. */
const STORE_ROOM_FACTOR = 2.5;

/** The store's file operations, done as the gateway's user. */
export interface StoreCopies {
  keep: () => Promise<void>;
  restore: () => Promise<void>;
  drop: () => Promise<void>;
}

export interface UpdateRunParts {
  installFolder: string;
  dataFolder: string;
  /** As Node calls it: `x64`, `arm64`. */
  architecture: string;
  service: GatewayService;
  storeCopies: StoreCopies;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Free bytes where the data is. */
  freeBytes: () => number;
  log: (message: string) => void;
  healthyWithinMs?: number;
  steadyMs?: number;
}

export class UpdateRun {
  readonly #parts: UpdateRunParts;
  readonly #folders: InstallFolders;
  readonly #releases: Releases;
  #state: UpdateState | undefined;

  constructor(parts: UpdateRunParts) {
    this.#parts = parts;
    this.#folders = installFolders(parts.installFolder);
    this.#releases = new Releases(this.#folders);
  }

  /** Ends with an outcome on disk, whatever happens. @param trusted the request is root's own */
  async run(request: UpdateRequest, trusted: boolean): Promise<void> {
    const from = this.#releases.linked('current');
    const wanted = request.wanted ?? request.staged;
    this.#state = { id: request.id, phase: 'checking', from, kept: false, ...(wanted ? { wanted } : {}) };
    try {
      this.#enter('checking');
      const to = await this.#prepare(request, trusted);
      const parts = await runningParts(this.#socketPath);
      await this.#switchTo(to);
      const trouble = await this.#tryOut(parts);
      if (trouble !== undefined) throw new GatewayError('internal', trouble);
      await this.#settle();
    } catch (error) {
      await this.#goBack(
        error instanceof GatewayError && error.hint ? `${error.message}: ${error.hint}` : messageOf(error),
      );
    }
  }

  /**
   * Ends an update that was interrupted; does nothing where none was.
   * @param starting the machine starts, and systemd starts the gateway afterwards
   */
  async recover({ starting }: { starting: boolean }): Promise<void> {
    const state = interruptedUpdate(this.#folders, this.#parts.log);
    if (state === undefined) return;
    this.#state = state;
    this.#parts.log(`an update was interrupted while it was ${state.phase}`);
    if (state.phase === 'settling') await this.#settle();
    else await this.#goBack(state.failure ?? `it was interrupted while it was ${state.phase}`, starting);
  }

  get #socketPath(): string {
    return join(this.#parts.dataFolder, 'gate.sock');
  }

  /** @returns the version that is ready to be switched to */
  async #prepare(request: UpdateRequest, trusted: boolean): Promise<string> {
    const keys = trustedKeys(join(this.#folders.updater, 'release-keys'));
    if (request.staged !== undefined) {
      const { version } = await this.#checked(this.#releases.folder(request.staged), request.staged, keys);
      this.#demandWanted(version, request.allowOlder && trusted);
      return this.#aim(version);
    }
    if (request.archive === undefined)
      throw new GatewayError('badRequest', 'the request names neither an archive nor a release');
    const given = join(spoolFolders(this.#parts.dataFolder).spool, request.archive);
    const archive = this.#releases.takeIn(given);
    const { version, arch, name } = await checkArchive(archive, keys);
    // genuine is not enough: whoever keeps the archives could hand out an old one that is known to be weak
    if (request.wanted !== undefined && version !== request.wanted) {
      throw new GatewayError(
        'badRequest',
        `${name} was fetched, not the ${request.wanted} that was asked for`,
      );
    }
    this.#aim(version);
    if (arch !== this.#parts.architecture) {
      throw new GatewayError(
        'badRequest',
        `${name} is for ${arch}, this machine is ${this.#parts.architecture}`,
      );
    }
    this.#demandWanted(version, request.allowOlder && trusted);
    this.#enter('unpacking');
    const unpacked = this.#releases.unpack(archive, name);
    await this.#checked(unpacked, version, keys);
    this.#releases.accept(unpacked, version);
    return version;
  }

  async #checked(folder: string, version: string, keys: readonly string[]) {
    const manifest = await checkRelease(folder, keys);
    if (manifest.version === version && manifest.arch === this.#parts.architecture) return manifest;
    throw new GatewayError(
      'badRequest',
      `the release is ${manifest.version} for ${manifest.arch}, not what it is called`,
    );
  }

  #demandWanted(version: string, allowOlder: boolean): void {
    const current = this.#releases.linked('current');
    const order = compareVersions(version, current);
    if (order === 0) throw new GatewayError('conflict', `gate ${version} is installed already`);
    if (order > 0 || allowOlder) return;
    throw new GatewayError('conflict', `gate ${version} is older than ${current}, which is installed`, {
      hint: 'as root, --allow-older takes it all the same',
    });
  }

  #aim(version: string): string {
    this.#state = { ...this.#demandState(), to: version };
    return version;
  }

  async #switchTo(to: string): Promise<void> {
    const { service, storeCopies } = this.#parts;
    const { from } = this.#demandState();
    const changesStore = this.#storeOf(from) !== this.#storeOf(to);
    if (changesStore) this.#demandStoreRoom();
    this.#enter('keeping');
    await service.stop();
    if (changesStore) {
      await storeCopies.keep();
      this.#state = { ...this.#demandState(), kept: true };
    }
    this.#enter('switching');
    this.#releases.link('current', to);
    await service.takeFiles(this.#releases.folder(to));
    this.#enter('trying');
    await service.start();
  }

  /** The form of its store; undefined where its manifest is damaged: an update is what mends such a release. */
  #storeOf(version: string): number | undefined {
    try {
      return readManifest(this.#releases.folder(version)).store;
    } catch (error) {
      this.#parts.log(messageOf(error));
      return undefined;
    }
  }

  #tryOut(parts: readonly string[]): Promise<string | undefined> {
    const { service, healthyWithinMs = HEALTHY_WITHIN_MS, steadyMs = STEADY_MS } = this.#parts;
    const migrationMs = this.#demandState().kept
      ? storeBytes(this.#parts.dataFolder) / MIGRATED_BYTES_PER_MS
      : 0;
    return tryOut({
      socketPath: this.#socketPath,
      service,
      parts,
      healthyWithinMs: healthyWithinMs + migrationMs,
      steadyMs,
    });
  }

  /** The new release has proved itself: from here on it is the one that is gone back to. */
  async #settle(): Promise<void> {
    this.#enter('settling');
    const { from, to = from } = this.#demandState();
    this.#releases.link('updater', to);
    await this.#letGo();
    this.#releases.prune([from, to]);
    this.#end();
  }

  async #goBack(failure: string, starting = false): Promise<void> {
    const before = this.#demandState();
    const { from, to, kept, phase } = before;
    const wasSwitched = ['switching', 'trying', 'returning'].includes(phase);
    const wasStopped = wasSwitched || phase === 'keeping';
    this.#state = { ...before, failure };
    if (wasSwitched) this.#enter('returning');
    const { service, storeCopies } = this.#parts;
    if (wasSwitched) {
      // at the machine's start it does not run yet, and to stop it would call off its start
      if (!starting) await service.stop();
      this.#releases.link('current', from);
      await service.takeFiles(this.#releases.folder(from));
      if (kept) await storeCopies.restore();
    } else await this.#letGo();
    if (wasStopped && !starting) await service.start();
    this.#releases.dropIncoming();
    if (to !== undefined) this.#releases.remove(to);
    this.#end();
  }

  /** Of the store that was kept. One that stays takes room, until the next one takes its place; the update ends all the same. */
  async #letGo(): Promise<void> {
    await this.#parts.storeCopies.drop().catch((error) => this.#parts.log(messageOf(error)));
  }

  /** The outcome first: the end of the state is the end of the update. */
  #end(): void {
    this.#clearSpool();
    const { id, from, wanted = '', to = wanted, failure } = this.#demandState();
    const outcome = {
      id,
      from,
      version: to,
      ...(failure === undefined ? {} : { failure }),
      ts: this.#parts.now(),
    };
    writeDurably(this.#folders.outcome, outcome);
    removeDurably(this.#folders.state);
    removeDurably(this.#folders.stateCopy);
    this.#state = undefined;
    this.#parts.log(failure === undefined ? `gate ${to} runs` : `gate stays ${from}: ${failure}`);
  }

  /** Of archives: what was asked for is told, or was done. */
  #clearSpool(): void {
    const { spool } = spoolFolders(this.#parts.dataFolder);
    for (const name of readdirSync(spool)) {
      if (/\.tar\.gz(\.sha256|\.sig)?$/.test(name)) rmSync(join(spool, name), { force: true });
    }
  }

  #enter(phase: Phase): void {
    this.#state = { ...this.#demandState(), phase };
    noteUpdate(this.#folders, this.#state);
    this.#parts.log(phase);
  }

  #demandState(): UpdateState {
    if (this.#state === undefined) throw new GatewayError('internal', 'no update is under way');
    return this.#state;
  }

  #demandStoreRoom(): void {
    const needed = storeBytes(this.#parts.dataFolder) * STORE_ROOM_FACTOR;
    const free = this.#parts.freeBytes();
    if (free >= needed) return;
    const [neededMb, freeMb] = [needed, free].map((bytes) => Math.ceil(bytes / 1e6));
    throw new GatewayError(
      'unavailable',
      `the store gets another form, which needs ${neededMb} MB on disk; there are ${freeMb} MB`,
      { hint: 'make room, or lower RETENTION_MB' },
    );
  }
}

function storeBytes(dataFolder: string): number {
  return readdirSync(dataFolder)
    .filter((name) => name === 'gate.db' || name === 'gate.db-wal')
    .reduce((total, name) => total + statSync(join(dataFolder, name)).size, 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
