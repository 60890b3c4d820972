/**
 * What is to go with an add-on that is removed, on disk until it is gone: a file each beside the records of runs. After a
 * crash, or when the engine was away, it is removed by these.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ContainerRemoval } from '../../core/ports.ts';
import { type OnDamaged, readOrSetAside } from '../../lib/set-aside.ts';
import { pinnedImageSchema } from '../../model/protocol.ts';
import { writeSafely } from '../safe-file.ts';

const ENDING = '.removal';
const removalSchema = v.object({ data: v.boolean(), images: v.array(pinnedImageSchema) });

export class RemovalNotes {
  readonly #folder: string;
  readonly #onDamaged: OnDamaged;

  constructor(folder: string, onDamaged: OnDamaged) {
    this.#folder = folder;
    this.#onDamaged = onDamaged;
  }

  /** Resolves when it is on disk. Where there is one already, both count. */
  async add(slug: string, { data, images }: ContainerRemoval): Promise<void> {
    const before = await this.read(slug);
    const both = { data: data || before?.data === true, images: [...(before?.images ?? []), ...images] };
    await writeSafely(this.#folder, this.#path(slug), JSON.stringify(both));
  }

  /** Undefined where none is there; and where it is damaged, which is told: it is set aside. */
  read(slug: string): Promise<ContainerRemoval | undefined> {
    return readOrSetAside(this.#path(slug), removalSchema, this.#onDamaged);
  }

  async remove(slug: string): Promise<void> {
    await rm(this.#path(slug), { recursive: true, force: true });
  }

  /** The slugs that something is noted of. */
  async slugs(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length));
  }

  #path(slug: string): string {
    return join(this.#folder, `${slug}${ENDING}`);
  }
}
