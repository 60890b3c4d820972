/** Backups that are asked for through the API: taken by the `gate` command, kept in `backup-outbox` of the data folder. */
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import type { BackupMaker, BackupSeal, TakenBackup, WorkOptions } from '../core/upkeep/maintenance-ports.ts';
import { damagedName } from '../lib/damaged-name.ts';
import { type OnDamaged, readOrSetAside } from '../lib/set-aside.ts';
import { GatewayError } from '../model/error.ts';
import { type GateProcessParts, runGate } from './gate-process.ts';
import { writeNote } from './note.ts';

const FOLDER = 'backup-outbox';
const takenSchema = v.object({
  bytes: v.number(),
  files: v.number(),
  readings: v.boolean(),
  takenAt: v.number(),
});

export interface BackupByCommandParts extends GateProcessParts {
  onDamaged: OnDamaged;
}

export class BackupByCommand implements BackupMaker {
  readonly #parts: BackupByCommandParts;
  readonly #folder: string;
  readonly #file: string;
  readonly #note: string;

  constructor(parts: BackupByCommandParts) {
    this.#parts = parts;
    this.#folder = join(parts.dataFolder, FOLDER);
    this.#file = join(this.#folder, 'backup.age');
    this.#note = join(this.#folder, 'backup.json');
  }

  async take(
    { seal, readings }: { seal: BackupSeal; readings: boolean },
    options: WorkOptions,
  ): Promise<TakenBackup> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const [key, secret] =
      'passphrase' in seal
        ? [['--passphrase-file', '-'], seal.passphrase]
        : [['--recipient', seal.recipient], ''];
    const words = ['backup', this.#file, '--progress', ...key, ...(readings ? ['--readings'] : [])];
    try {
      const taken = v.parse(takenSchema, await runGate(this.#parts, { words, secret }, options));
      // written last: a file without its note was interrupted
      await writeNote(this.#note, taken);
      return taken;
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  async kept(): Promise<TakenBackup | undefined> {
    let damaged: string | undefined;
    const taken = await readOrSetAside(this.#note, takenSchema, (words) => {
      damaged = words;
    });
    if (damaged !== undefined) await this.#setAside(damaged);
    else if (!taken) await this.drop();
    return taken;
  }

  async read(): Promise<Readable> {
    try {
      // opened before it is answered: what is gone is told as an error, not as a connection that ends
      const file = await open(this.#file);
      return createReadStream(this.#file, { fd: file });
    } catch (cause) {
      throw new GatewayError('notFound', 'the backup is gone', { hint: 'have another one taken', cause });
    }
  }

  async drop(): Promise<void> {
    await rm(this.#note, { force: true });
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The note is damaged; the backup itself is whole, and somebody waits for it. */
  async #setAside(words: string): Promise<void> {
    const aside = damagedName(this.#folder, Date.now());
    await rename(this.#folder, aside).then(
      () => this.#parts.onDamaged(`${words}. The backup that waited to be fetched lies in ${aside} now`),
      (error: Error) => this.#parts.onDamaged(`${words}. The backup cannot be fetched: ${error.message}`),
    );
  }
}
