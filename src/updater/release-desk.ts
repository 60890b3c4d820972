/** The core's way to the updater: its port `ReleaseDesk` on the desk that the `gate` command uses too. */
import { join } from 'node:path';
import * as v from 'valibot';
import type { ReleaseDesk, ReleaseOutcome, ReleaseState } from '../core/ports.ts';
import { GatewayError } from '../model/error.ts';
import { readForm, writeDurably } from './durable-file.ts';
import { urlOfVersion } from './fetch-release.ts';
import { VERSION } from './forms.ts';
import { spoolFolders } from './install-folders.ts';
import { UpdateDesk, type UpdateDeskParts } from './update-desk.ts';

export interface FetchingDeskParts extends UpdateDeskParts {
  /** UPDATE_URLS */
  allowed: readonly string[];
  /** As Node calls it. */
  architecture: string;
}

const toldSchema = v.object({ id: v.string() });

export class FetchingDesk implements ReleaseDesk {
  readonly #parts: FetchingDeskParts;
  readonly #desk: UpdateDesk;
  readonly #told: string;

  constructor(parts: FetchingDeskParts) {
    this.#parts = parts;
    this.#desk = new UpdateDesk(parts);
    this.#told = join(spoolFolders(parts.dataFolder).spool, 'told.json');
  }

  async fetchAndAsk(
    release: { version: string } | { url: string },
    onProgress: (bytes: number, total: number | undefined) => void = () => {},
  ): Promise<void> {
    const { allowed, architecture } = this.#parts;
    if ('url' in release) {
      await this.#desk.askForFetched({ url: release.url, allowed, onProgress });
      return;
    }
    const { version } = release;
    if (!VERSION.test(version)) throw new GatewayError('badRequest', `"${version}" is no version of gate`);
    const url = urlOfVersion(version, architecture, allowed);
    await this.#desk.askForFetched({ url, allowed, onProgress }, { wanted: version });
  }

  async ask(path: string): Promise<void> {
    this.#desk.askForMoved(path);
  }

  state(): ReleaseState | 'waiting' | undefined {
    return this.#desk.state() ?? (this.#desk.waits() ? 'waiting' : undefined);
  }

  outcome(): ReleaseOutcome | undefined {
    return this.#desk.outcome();
  }

  untold(): ReleaseOutcome | undefined {
    const outcome = this.#desk.outcome();
    return outcome?.id === readForm(this.#told, toldSchema)?.id ? undefined : outcome;
  }

  markTold({ id }: ReleaseOutcome): void {
    writeDurably(this.#told, { id }, 0o600);
  }
}
