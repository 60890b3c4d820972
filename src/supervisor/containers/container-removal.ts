/**
 * Takes away what add-ons had in the container engine: noted first, then removed, and what a crash or an absent engine has
 * left of it removed later. Nothing without this gateway's label is touched.
 */
import { rm } from 'node:fs/promises';
import type { ContainerRemoval } from '../../core/ports.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import { GatewayError } from '../../model/error.ts';
import { uploadsFolder } from '../addon-uploads.ts';
import { LABELS, ownLabels, volumeName } from './container-descriptor.ts';
import type { ContainerImages } from './container-images.ts';
import type { ContainerNetwork } from './container-network.ts';
import type { Engine } from './engine.ts';
import type { LogPositions } from './log-position.ts';
import type { RemovalNotes } from './removal-notes.ts';

const WAITING_MAX = 200;

export interface ContainerRemovalsParts {
  gatewayId: string;
  dataFolder: string;
  engine: Engine;
  images: ContainerImages;
  network: ContainerNetwork;
  positions: LogPositions;
  notes: RemovalNotes;
}

/** What is wanted now: the rest is left over. */
export interface WantedContainers {
  isInstalled: (slug: string) => boolean;
  imagesInUse: () => ReadonlySet<string>;
}

export class ContainerRemovals {
  readonly #parts: ContainerRemovalsParts;
  /** One at a time: what is looked through must not be what is made anew just now. */
  readonly #queue = new SerialQueue(WAITING_MAX);
  /** Noted in this run of the daemon, and on their way. */
  readonly #underWay = new Set<string>();

  constructor(parts: ContainerRemovalsParts) {
    this.#parts = parts;
  }

  async note(slug: string, removal: ContainerRemoval): Promise<void> {
    this.#underWay.add(slug);
    await this.#parts.notes.add(slug, removal);
  }

  async void(slug: string): Promise<void> {
    this.#underWay.delete(slug);
    await this.#parts.notes.remove(slug);
  }

  /** @throws GatewayError addonUnavailable; then the note stays */
  finish(slug: string, imagesInUse: ReadonlySet<string>): Promise<void> {
    return this.#queue.run(() => this.#remove(slug, imagesInUse)).finally(() => this.#underWay.delete(slug));
  }

  /** Ends what earlier removals have left, and removes the containers of add-ons that are not installed. */
  sweep({ isInstalled, imagesInUse }: WantedContainers): Promise<void> {
    const { engine, gatewayId, network, notes } = this.#parts;
    return this.#queue.run(async () => {
      for (const slug of await notes.slugs()) {
        if (this.#underWay.has(slug)) continue;
        // a removal that a crash cut off before it counted did not take place
        if (isInstalled(slug)) await notes.remove(slug);
        else await this.#remove(slug, imagesInUse());
      }
      for (const { Id, Labels } of await engine.containers({ [LABELS.gateway]: gatewayId }))
        if (!isInstalled(Labels[LABELS.addon] ?? '')) await engine.removeContainer(Id);
      await network.closeIfUnused();
    });
  }

  async #remove(slug: string, imagesInUse: ReadonlySet<string>): Promise<void> {
    const { engine, gatewayId, dataFolder, images, network, positions, notes } = this.#parts;
    const noted = await notes.read(slug);
    if (!noted) return notes.remove(slug);
    const own = ownLabels(gatewayId, slug);
    for (const { Id } of await engine.containers(own)) await engine.removeContainer(Id);
    if ((await engine.containers(own)).length > 0)
      throw new GatewayError('addonUnavailable', `a container of "${slug}" could not be removed`);
    await positions.remove(slug);
    await rm(uploadsFolder(dataFolder, slug, 'container'), { recursive: true, force: true });
    if (noted.data) await this.#removeData(slug);
    for (const image of noted.images) if (!imagesInUse.has(image.id)) await images.drop(image);
    await network.closeIfUnused();
    await notes.remove(slug);
  }

  async #removeData(slug: string): Promise<void> {
    const { engine, gatewayId } = this.#parts;
    const name = volumeName(gatewayId, slug);
    const labels = await engine.volume(name);
    if (labels?.[LABELS.gateway] === gatewayId) await engine.removeVolume(name);
  }
}
