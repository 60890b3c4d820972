/**
 * How far a container's log was read, kept over restarts of the daemon: what it wrote meanwhile is read then, and what
 * was read is not read again. May be some seconds old after a crash: so much of it is then read twice.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

const positionSchema = v.object({ container: v.string(), at: v.string() });
export type LogPosition = v.InferOutput<typeof positionSchema>;

export class LogPositions {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Of this container; undefined where nothing of it was read yet. */
  async read(slug: string, container: string): Promise<string | undefined> {
    try {
      const { success, output } = v.safeParse(
        positionSchema,
        JSON.parse(await readFile(this.#path(slug), 'utf8')),
      );
      return success && output.container === container ? output.at : undefined;
    } catch {
      return undefined;
    }
  }

  async save(slug: string, position: LogPosition): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(slug);
    await writeFile(`${path}.new`, JSON.stringify(position), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async remove(slug: string): Promise<void> {
    await rm(this.#path(slug), { force: true });
  }

  #path(slug: string): string {
    return join(this.#folder, `${slug}.log-position`);
  }
}
