/**
 * Where an update is asked for, by the daemon and by the `gate` command alike: a file in the spool, which systemd
 * watches. What becomes of it is read from the updater's files. Neither may write where the releases are.
 */
import { copyFileSync, existsSync, lchownSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { readForm, writeDurably } from './durable-file.ts';
import { type Fetching, fetchRelease } from './fetch-release.ts';
import {
  outcomeSchema,
  stateSchema,
  type UpdateOutcome,
  type UpdateRequest,
  type UpdateState,
} from './forms.ts';
import { type InstallFolders, installFolders, type SpoolFolders, spoolFolders } from './install-folders.ts';

export interface UpdateDeskParts {
  installFolder: string;
  dataFolder: string;
  newId: () => string;
}

export class UpdateDesk {
  readonly #install: InstallFolders;
  readonly #spool: SpoolFolders;
  readonly #newId: () => string;

  constructor(parts: UpdateDeskParts) {
    this.#install = installFolders(parts.installFolder);
    this.#spool = spoolFolders(parts.dataFolder);
    this.#newId = parts.newId;
  }

  /** How the last update ended, if there was one. */
  outcome(): UpdateOutcome | undefined {
    return readForm(this.#install.outcome, outcomeSchema);
  }

  /** The one under way. */
  state(): UpdateState | undefined {
    return readForm(this.#install.state, stateSchema);
  }

  /** Was this request taken by the updater already? */
  waits(): boolean {
    return existsSync(this.#spool.request);
  }

  /** Asks for what an archive holds; it is copied. @returns id of the request @throws GatewayError conflict, badRequest */
  askForArchive(path: string, options: { allowOlder?: boolean } = {}): string {
    return this.#askForFile(path, copyFileSync, options);
  }

  /** The same of one that lies in the data folder: it is moved. */
  askForMoved(path: string): string {
    return this.#askForFile(path, renameSync, {});
  }

  #askForFile(
    path: string,
    bring: (from: string, to: string) => void,
    options: { allowOlder?: boolean },
  ): string {
    this.#demandFree();
    const archive = basename(path);
    try {
      // the archive last: where it has come the others have too
      for (const suffix of ['.sha256', '.sig', ''])
        bring(path + suffix, join(this.#spool.spool, archive + suffix));
    } catch (cause) {
      throw new GatewayError('badRequest', (cause as Error).message, {
        hint: 'a release is its .tar.gz, with its .sha256 and its .sig beside it',
        cause,
      });
    }
    return this.#ask({ archive, ...options });
  }

  /** Fetches a release and asks for it; `wanted`: the version that it has to be. @throws GatewayError conflict, forbidden, unavailable, notFound, tooLarge */
  async askForFetched(
    fetching: Omit<Fetching, 'spool'>,
    options: { allowOlder?: boolean; wanted?: string } = {},
  ): Promise<string> {
    this.#demandFree();
    const archive = await fetchRelease({ ...fetching, spool: this.#spool.spool });
    this.#demandFree();
    return this.#ask({ archive, ...options });
  }

  /** Asks for a release that lies among the others already. */
  askForStaged(staged: string, options: { allowOlder?: boolean } = {}): string {
    this.#demandFree();
    return this.#ask({ staged, ...options });
  }

  #ask(what: Omit<UpdateRequest, 'id' | 'allowOlder'> & { allowOlder?: boolean }): string {
    const id = this.#newId();
    writeDurably(this.#spool.request, { id, ...what }, 0o600);
    return id;
  }

  /** @throws GatewayError unavailable (not installed so), conflict (one is under way) */
  #demandFree(): void {
    if (!existsSync(this.#install.updater)) {
      throw new GatewayError(
        'unavailable',
        'this gateway was not installed by install.sh: it cannot update itself',
        {
          hint: 'docs/guides/updating.md',
        },
      );
    }
    if (this.state() !== undefined || this.waits()) {
      throw new GatewayError('conflict', 'an update is under way', { hint: 'wait for its end' });
    }
    this.#makeSpool();
  }

  /** Whoever asks, it is the gateway's own: root may be the first after a factory reset. */
  #makeSpool(): void {
    const { spool } = this.#spool;
    if (mkdirSync(spool, { recursive: true, mode: 0o700 }) === undefined) return;
    const { uid, gid } = statSync(dirname(spool));
    if (process.getuid?.() === 0) lchownSync(spool, uid, gid);
  }
}
