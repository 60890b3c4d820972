/**
 * A backup that shall take the place of a running gateway, in `restore-waiting` of the data folder: unpacked and checked by
 * the `gate` command, and left there. Once it is ordered, the next start puts it in place (`ordered-restore.ts`).
 */
import { existsSync } from 'node:fs';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type {
  BackupFacts,
  BackupKey,
  RestoreDesk,
  RestoreOutcome,
  WorkOptions,
} from '../core/upkeep/maintenance-ports.ts';
import { type OnDamaged, readOrSetAside } from '../lib/set-aside.ts';
import { GatewayError } from '../model/error.ts';
import { type GateProcessParts, runGate } from './gate-process.ts';
import { readNote, writeNote } from './note.ts';
import { backupFacts, outcomeSchema, type RestorePlaces, restorePlaces } from './ordered-restore.ts';
import { asideName } from './place.ts';

export interface RestoreDeskParts extends GateProcessParts {
  configFolder: string;
  onDamaged: OnDamaged;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Whether a gateway with these settings would be this one, and come up. @throws GatewayError badSetting */
  checkSettings: (configFolder: string) => Promise<void>;
}

export class RestoreDeskOnDisk implements RestoreDesk {
  readonly #parts: RestoreDeskParts;
  readonly #places: RestorePlaces;

  constructor(parts: RestoreDeskParts) {
    this.#parts = parts;
    this.#places = restorePlaces(parts.dataFolder);
  }

  async check(file: string, key: BackupKey, options: WorkOptions): Promise<BackupFacts> {
    const { folder, content, facts } = this.#places;
    await this.drop();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [flag, secret] =
      'passphrase' in key ? ['--passphrase-file', key.passphrase] : ['--identity', key.identity];
    try {
      const words = ['restore', file, '--progress', '--stage', content, flag, '-'];
      const found = v.parse(backupFacts, await runGate(this.#parts, { words, secret }, options));
      await this.#checkConfig();
      await writeNote(facts, found);
      return found;
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  async checked(): Promise<BackupFacts | undefined> {
    const path = this.#places.facts;
    const facts = await readNote(path, backupFacts);
    if (facts) return facts;
    if (existsSync(path))
      this.#parts.onDamaged(`${path} is damaged: a backup that was checked has to be checked again`);
    await this.drop();
    return undefined;
  }

  async order(): Promise<void> {
    const facts = await readNote(this.#places.facts, backupFacts);
    if (!facts)
      throw new GatewayError('conflict', 'the backup that was checked is gone', { hint: 'send it again' });
    await this.#checkConfig();
    await writeNote(this.#places.order, { ...facts, aside: asideName(this.#parts.now()) });
  }

  async outcome(): Promise<(RestoreOutcome & { told: boolean }) | undefined> {
    const { onDamaged } = this.#parts;
    return readOrSetAside(this.#places.outcome, outcomeSchema, (words) =>
      onDamaged(`${words}. How the last restore ended is not known any more`),
    );
  }

  async markTold(): Promise<void> {
    const outcome = await this.outcome();
    if (outcome) await writeNote(this.#places.outcome, { ...outcome, told: true });
  }

  async drop(): Promise<void> {
    await rm(this.#places.folder, { recursive: true, force: true });
  }

  /** What would end the next start is found before anything is changed. @throws GatewayError folderUnusable, badSetting */
  async #checkConfig(): Promise<void> {
    const { configFolder, checkSettings } = this.#parts;
    const config = join(this.#places.content, 'config');
    if (!existsSync(config)) return;
    await checkSettings(config);
    try {
      await mkdir(configFolder, { recursive: true, mode: 0o700 });
      await access(configFolder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw new GatewayError(
        'folderUnusable',
        `the backup has settings, but CONFIG_FOLDER ${configFolder} cannot be written: ${(cause as Error).message}`,
        { hint: 'restore it with the gate command, as a user that may write there', cause },
      );
    }
  }
}
