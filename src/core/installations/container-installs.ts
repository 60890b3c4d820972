/**
 * Installing and removing add-ons that run as containers. The order of steps is what keeps a box whole: an image is
 * fetched before anything is touched; what is wanted, or is to go, is on disk before the engine is told. A crash between
 * any two steps ends with the add-on installed, or with nothing of it.
 */
import type { SerialQueue } from '../../lib/serial-queue.ts';
import { messageWithHint } from '../../model/error.ts';
import type { JsonObject } from '../../model/json.ts';
import type { InstalledContainer, PinnedImage } from '../../model/protocol.ts';
import type { GatewayEventBus } from '../events.ts';
import type { AddonContainers, FetchedImage, RuntimeChoice } from '../ports.ts';
import type { AddonPackage } from '../protocols/addon-package.ts';
import { addonHeard } from '../protocols/awaited-addon.ts';
import type { InstallationPhase } from '../protocols/protocol-view.ts';
import type { Protocols } from '../protocols/protocols.ts';
import { fetchImage } from './image-fetching.ts';
import type { InstallationJobs } from './installation-jobs.ts';

/** What was begun is ended; nobody waits longer to tell how it went. */
const UNDO_MS = 20_000;

export interface ContainerInstallsParts {
  protocols: Protocols;
  containers: AddonContainers;
  events: GatewayEventBus;
  onTrouble: (message: string, error: unknown) => void;
}

/** What an installation has made so far. */
interface Made {
  fetched?: FetchedImage;
  hadData?: boolean;
  recorded?: boolean;
}

export class ContainerInstalls {
  readonly #parts: ContainerInstallsParts;
  readonly #jobs: InstallationJobs;
  readonly #changes: SerialQueue;

  constructor(parts: ContainerInstallsParts, jobs: InstallationJobs, changes: SerialQueue) {
    this.#parts = parts;
    this.#jobs = jobs;
    this.#changes = changes;
  }

  /** Begins an installation; its parameters are checked already. */
  install(addon: AddonPackage, parameters: JsonObject, choice: RuntimeChoice): void {
    const { slug } = addon.manifest;
    const image = choice.image ?? '';
    const made: Made = {};
    const signal = this.#jobs.begin(slug, 'install', `image ${image} is being fetched`, {
      untimed: true,
      undo: (reason) => this.#undo(slug, made, reason),
    });
    this.#install({ slug, image, parameters, choice, made, signal }).catch((error: unknown) =>
      this.#jobs.fail(slug, messageWithHint(error)),
    );
  }

  /** Notes what goes with an add-on, before it counts as removed: a crash from here on leaves nothing of it. */
  async noteRemoval(slug: string, held: InstalledContainer, data: boolean): Promise<void> {
    // of an earlier one that a crash cut off before it counted
    await this.voidRemoval(slug);
    const { image, candidate, previous, stale = [] } = held;
    const images = [image, candidate, previous, ...stale].filter((each) => each !== undefined);
    await this.#parts.containers.noteRemoval(slug, { data, images: owned(images) });
  }

  /** It is installed still: nothing is to go. */
  voidRemoval(slug: string): Promise<void> {
    return this.#parts.containers.voidRemoval(slug);
  }

  /** After its program has ended. */
  finishRemoval(slug: string): Promise<void> {
    const { containers, protocols } = this.#parts;
    return containers.finishRemoval(slug, protocols.records.imagesInUse());
  }

  async #install(work: {
    slug: string;
    image: string;
    parameters: JsonObject;
    choice: RuntimeChoice;
    made: Made;
    signal: AbortSignal;
  }): Promise<void> {
    const { slug, image, parameters, choice, made, signal } = work;
    const { protocols, containers } = this.#parts;
    const jobs = this.#jobs;
    try {
      made.fetched = await fetchImage(
        { slug, image, signal, once: choice.mayFallBack },
        { containers, jobs },
      );
    } catch (error) {
      if (!choice.mayFallBack || signal.aborted) throw error;
      await this.#changes.run(() => protocols.install(slug, parameters));
      jobs.note(slug, `${messageWithHint(error)}; it is started as a process instead`);
      jobs.startClock(slug);
      made.recorded = true;
      return;
    }
    const { image: pinned } = made.fetched;
    // an earlier removal that could not be finished would take away what is made now
    await this.finishRemoval(slug);
    made.hadData = await containers.hasData(slug);
    signal.throwIfAborted();
    jobs.note(slug, `its container is being made of ${pinned.digest ?? pinned.name}`);
    await this.#changes.run(() => protocols.install(slug, parameters, { image: pinned }));
    made.recorded = true;
    jobs.startClock(slug);
  }

  /** Everything that it made goes. One that runs as a process stays wanted, as those do. */
  async #undo(slug: string, made: Made, reason: string): Promise<InstallationPhase> {
    const { protocols, containers, events, onTrouble } = this.#parts;
    const failed: InstallationPhase = { status: 'failed', reason };
    if (!made.fetched) return failed;
    const { image, isNew } = made.fetched;
    try {
      await containers.noteRemoval(slug, {
        data: made.hadData === false,
        images: isNew ? owned([image]) : [],
      });
      if (made.recorded && protocols.isInstalled(slug)) {
        const ended = addonHeard({ events, slug, until: 'stopped', withinMs: UNDO_MS });
        await protocols.remove(slug, { force: true });
        await ended;
      }
      await this.finishRemoval(slug);
    } catch (error) {
      onTrouble(
        `what the installation of "${slug}" had made could not be removed; that is tried again when the engine is back, or at the next start`,
        error,
      );
    }
    return failed;
  }
}

/** An image without a digest could not be had again: it stays. */
function owned(images: readonly PinnedImage[]): PinnedImage[] {
  return images.filter(({ digest }) => digest !== undefined);
}
