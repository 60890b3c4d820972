/**
 * Files for add-ons, in `uploads` of an add-on's own data folder, under names that gate makes. They are there for an
 * hour; few are there at a time, and none is taken that the disk has no room for. Those for a container lie in a folder of
 * gate's own, which the container sees in that place and cannot write to.
 */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UPLOAD_MAX_BYTES } from '../contract/limits.ts';
import type { AddonUploads, Upload } from '../core/ports.ts';
import { GatewayError } from '../model/error.ts';

/** Of one add-on; the oldest goes. */
export const UPLOADS_MAX = 4;
export const UPLOAD_KEPT_MS = 3_600_000;
/** What stays free for readings. */
const ROOM_LEFT_BYTES = 200_000_000;
const UNFINISHED = '.part';

type Reader = 'process' | 'container';
/** A container's user is another: it may read, as may whoever gets there. Nobody else does, for the folder above is gate's. */
const MODES = { process: { folder: 0o700, file: 0o600 }, container: { folder: 0o755, file: 0o644 } } as const;

/** Where the files for an add-on lie. */
export function uploadsFolder(dataFolder: string, slug: string, reader: Reader): string {
  if (reader === 'process') return join(dataFolder, 'addons-data', slug, 'uploads');
  return join(dataFolder, 'run', 'uploads', slug);
}

/** As `uploadsFolder`, and it is there. */
export async function ensureUploadsFolder(dataFolder: string, slug: string, reader: Reader): Promise<string> {
  const folder = uploadsFolder(dataFolder, slug, reader);
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  await mkdir(folder, { recursive: true });
  // whatever the process is told to leave out of modes
  await chmod(folder, MODES[reader].folder);
  return folder;
}

export interface AddonUploadsParts {
  dataFolder: string;
  newId: () => string;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class AddonUploadsOnDisk implements AddonUploads {
  readonly #parts: AddonUploadsParts;
  readonly #busy = new Set<string>();

  constructor(parts: AddonUploadsParts) {
    this.#parts = parts;
  }

  async keep(slug: string, bytes: AsyncIterable<Buffer>, reader: Reader): Promise<Upload> {
    if (this.#busy.has(slug)) {
      throw new GatewayError('tooManyRequests', `another file for "${slug}" is on its way`, {
        retryAfterSeconds: 5,
      });
    }
    this.#busy.add(slug);
    try {
      const folder = await ensureUploadsFolder(this.#parts.dataFolder, slug, reader);
      await this.#makeRoom(folder);
      return await this.#write(folder, bytes, MODES[reader].file);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      throw new GatewayError('storeFailed', `a file for "${slug}" could not be written`, { cause: error });
    } finally {
      this.#busy.delete(slug);
    }
  }

  async #write(folder: string, bytes: AsyncIterable<Buffer>, mode: number): Promise<Upload> {
    const file = this.#parts.newId();
    const path = join(folder, file);
    let size = 0;
    const bounded = async function* () {
      for await (const chunk of bytes) {
        size += chunk.length;
        if (size > UPLOAD_MAX_BYTES) {
          throw new GatewayError('tooLarge', `a file may have at most ${UPLOAD_MAX_BYTES} bytes`);
        }
        yield chunk;
      }
    };
    const unfinished = `${path}${UNFINISHED}`;
    try {
      await pipeline(
        Readable.from(bounded(), { objectMode: false }),
        createWriteStream(unfinished, { mode }),
      );
      await chmod(unfinished, mode);
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    return { file, bytes: size };
  }

  /** What is old goes, what a power cut left unfinished, and the oldest where there are too many. */
  async #makeRoom(folder: string): Promise<void> {
    const files = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const path = join(folder, name);
        return { path, writtenMs: (await stat(path)).mtimeMs, isWhole: !name.endsWith(UNFINISHED) };
      }),
    );
    const newest = files.sort((one, other) => other.writtenMs - one.writtenMs);
    const since = this.#parts.now() - UPLOAD_KEPT_MS;
    const kept = newest
      .filter(({ writtenMs, isWhole }) => isWhole && writtenMs > since)
      .slice(0, UPLOADS_MAX - 1);
    for (const file of files) if (!kept.includes(file)) await rm(file.path, { force: true });
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize >= ROOM_LEFT_BYTES + UPLOAD_MAX_BYTES) return;
    throw new GatewayError('unavailable', 'there is too little room on the disk for a file', {
      hint: 'free some, or lower RETENTION_MB',
      retryAfterSeconds: 60,
    });
  }
}

function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO' || code === 'EROFS';
}
