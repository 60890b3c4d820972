/** The file that tells the first client's id and secret: mode 0600 from its first byte, on disk when `write` resolves. */
import { access, open, rm } from 'node:fs/promises';
import type { FirstClientNote } from '../../core/ports.ts';
import type { JsonObject } from '../../model/json.ts';

export class FirstClientFile implements FirstClientNote {
  readonly #path: string;

  constructor(parts: { path: string }) {
    this.#path = parts.path;
  }

  async write(credentials: JsonObject): Promise<void> {
    await this.remove();
    // `wx`: never through a link that somebody put there
    const file = await open(this.#path, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(credentials, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  exists(): Promise<boolean> {
    return access(this.#path).then(
      () => true,
      () => false,
    );
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
