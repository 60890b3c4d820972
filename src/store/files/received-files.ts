/**
 * Large files that callers of the API send in pieces, in `received` of the data folder. A piece is there whole or not at
 * all; a file that nobody asks about for a day goes. None is taken that the disk has no room for.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Piece, ReceivedFiles, ReceivedName } from '../../core/upkeep/maintenance-ports.ts';
import { GatewayError } from '../../model/error.ts';
import { PIECE_MAX_BYTES } from '../../model/limits.ts';

const FOLDER = 'received';
/** Of a whole file. A backup with readings is at most as large as the store may be. */
export const RECEIVED_MAX_BYTES: Readonly<Record<ReceivedName, number>> = {
  'backup.age': 8 * 1024 ** 3,
  'release.tar.gz': 512 * 1024 * 1024,
  'release.tar.gz.sha256': 4 * 1024,
  'release.tar.gz.sig': 4 * 1024,
};
/** What stays free for readings. */
const ROOM_LEFT_BYTES = 200_000_000;
const KEPT_MS = 24 * 3_600_000;

export interface ReceivedFilesParts {
  dataFolder: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class ReceivedFilesOnDisk implements ReceivedFiles {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #busy = new Set<ReceivedName>();

  constructor({ dataFolder, now }: ReceivedFilesParts) {
    this.#folder = join(dataFolder, FOLDER);
    this.#now = now;
  }

  path(name: ReceivedName): string {
    return join(this.#folder, name);
  }

  async size(name: ReceivedName): Promise<number> {
    const found = await stat(this.path(name)).catch(() => undefined);
    if (!found) return 0;
    if (found.mtimeMs > this.#now() - KEPT_MS) return found.size;
    await this.drop([name]);
    return 0;
  }

  async drop(names: readonly ReceivedName[]): Promise<void> {
    for (const name of names) await rm(this.path(name), { force: true });
  }

  async append(name: ReceivedName, piece: Piece): Promise<number> {
    if (this.#busy.has(name)) {
      throw new GatewayError('tooManyRequests', `another piece of ${name} is on its way`, {
        retryAfterSeconds: 5,
      });
    }
    this.#busy.add(name);
    try {
      return await this.#append(name, piece);
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      throw new GatewayError('storeFailed', `${name} could not be written`, { cause: error });
    } finally {
      this.#busy.delete(name);
    }
  }

  async #append(name: ReceivedName, { offset, bytes }: Piece): Promise<number> {
    const there = offset === 0 ? 0 : await this.size(name);
    if (offset !== there) {
      throw new GatewayError('conflict', `of ${name} there are ${there} bytes: a piece must begin there`, {
        hint: `go on with offset=${there}, or begin anew with offset=0`,
      });
    }
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#demandRoom();
    const path = this.path(name);
    const most = Math.min(PIECE_MAX_BYTES, RECEIVED_MAX_BYTES[name] - offset);
    let size = 0;
    const bounded = async function* () {
      for await (const chunk of bytes) {
        size += chunk.length;
        if (size > most) {
          throw new GatewayError(
            'tooLarge',
            `a piece may have ${PIECE_MAX_BYTES} bytes, and ${name} ${RECEIVED_MAX_BYTES[name]} in all`,
          );
        }
        yield chunk;
      }
    };
    try {
      await pipeline(
        Readable.from(bounded(), { objectMode: false }),
        createWriteStream(path, { flags: offset === 0 ? 'w' : 'a', mode: 0o600 }),
      );
    } catch (error) {
      // what came of this piece is of no use: the next one begins where it did
      await truncate(path, offset).catch(() => undefined);
      throw error;
    }
    return offset + size;
  }

  /** @throws GatewayError unavailable */
  async #demandRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    if (bavail * bsize >= ROOM_LEFT_BYTES + PIECE_MAX_BYTES) return;
    throw new GatewayError('unavailable', 'there is too little room on the disk for a file', {
      hint: 'free some, or lower RETENTION_MB',
      retryAfterSeconds: 60,
    });
  }
}

function isDiskTrouble(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO' || code === 'EROFS';
}
