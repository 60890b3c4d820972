/**
 * What versions of an add-on leave behind, containers and images, cleared away once nobody may need it any more: after an
 * update, and after a crash when the add-on runs again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Dispose } from '../../lib/event-bus.ts';
import type { PinnedImage } from '../../model/protocol.ts';
import type { GatewayEventBus } from '../events.ts';
import type { AddonContainers } from '../ports.ts';
import type { Protocols } from '../protocols/protocols.ts';
import type { InstallationJobs } from './installation-jobs.ts';

export interface ContainerLeftoversParts {
  protocols: Protocols;
  containers: AddonContainers;
  events: GatewayEventBus;
  onTrouble: (message: string, error: unknown) => void;
}

export class ContainerLeftovers {
  readonly #parts: ContainerLeftoversParts;
  readonly #jobs: InstallationJobs;
  #dispose: Dispose | undefined;

  constructor(parts: ContainerLeftoversParts, jobs: InstallationJobs) {
    this.#parts = parts;
    this.#jobs = jobs;
  }

  start(): void {
    const { events, protocols } = this.#parts;
    this.#dispose = events.on('addonStateReported', ({ slug, state }) => {
      const stale = protocols.records.container(slug)?.stale ?? [];
      if (state === 'running' && stale.length > 0 && !this.#jobs.kindOf(slug)) void this.clear(slug);
    });
  }

  stop(): void {
    this.#dispose?.();
  }

  /** Removes the containers and images of an add-on that are not needed any more. Never rejects. */
  async clear(slug: string): Promise<void> {
    const { protocols, containers, onTrouble } = this.#parts;
    const { records } = protocols;
    try {
      const held = records.container(slug);
      if (!held || held.candidate) return;
      await containers.keepOnly(slug, [held.image]);
      const { stale, ...kept } = held;
      if (!stale || stale.length === 0) return;
      await this.#drop(stale);
      // something else may have begun meanwhile
      if (isDeepStrictEqual(records.container(slug), held)) await records.setContainer(slug, kept);
    } catch (error) {
      onTrouble(`what is left of an earlier version of "${slug}" could not be removed`, error);
    }
  }

  async #drop(images: readonly PinnedImage[]): Promise<void> {
    const { containers, protocols } = this.#parts;
    for (const image of images)
      if (!protocols.records.imagesInUse().has(image.id)) await containers.dropImage(image);
  }
}
