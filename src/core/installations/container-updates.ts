/**
 * Updating add-ons that run as containers. The new image is fetched first; the old container is kept, stopped, until the
 * new one has run well; otherwise it is started again. A crash between any two steps ends in the old or in the new one.
 */
import { isDeepStrictEqual } from 'node:util';
import { GatewayError, messageWithHint } from '../../model/error.ts';
import type { InstalledContainer } from '../../model/protocol.ts';
import type { GatewayEventBus } from '../events.ts';
import type { AddonContainers, FetchedImage } from '../ports.ts';
import type { AddonPackage } from '../protocols/addon-package.ts';
import { addonHeard } from '../protocols/awaited-addon.ts';
import type { InstallationPhase } from '../protocols/protocol-view.ts';
import type { Protocols } from '../protocols/protocols.ts';
import type { ContainerLeftovers } from './container-leftovers.ts';
import { fetchImage } from './image-fetching.ts';
import type { InstallationJobs } from './installation-jobs.ts';

/** From the start of a new version until it must have said that it runs: with the way back it stays below a minute. */
export const UPDATE_READY_MS = 40_000;
/** What ran before runs again; nobody waits longer to tell how it went. */
const BACK_MS = 20_000;

export interface ContainerUpdatesParts {
  protocols: Protocols;
  containers: AddonContainers;
  events: GatewayEventBus;
  /** A new version must have run well for so long before the old one is let go. */
  trialMs: number;
}

/** One update. */
interface Update {
  slug: string;
  image: string;
  /** What ran when it began. */
  held: InstalledContainer;
  /** The add-on as it was, where its manifest is another now. */
  before: AddonPackage | undefined;
  fetched?: FetchedImage;
  /** The new version may have been started. */
  begun?: boolean;
}

export class ContainerUpdates {
  readonly #parts: ContainerUpdatesParts;
  readonly #jobs: InstallationJobs;
  readonly #leftovers: ContainerLeftovers;

  constructor(parts: ContainerUpdatesParts, jobs: InstallationJobs, leftovers: ContainerLeftovers) {
    this.#parts = parts;
    this.#jobs = jobs;
    this.#leftovers = leftovers;
  }

  /** Begins an update to `image`, and to the manifest of `found`. @throws GatewayError conflict */
  begin(before: AddonPackage, found: AddonPackage, image: string): void {
    const { protocols, trialMs } = this.#parts;
    const { slug } = found.manifest;
    const held = protocols.records.container(slug);
    if (!held) throw new GatewayError('conflict', `protocol "${slug}" is not installed as a container`);
    const { state } = protocols.get(slug);
    const replaces = !isDeepStrictEqual(before.manifest, found.manifest);
    const update: Update = { slug, image, held, before: replaces ? before : undefined };
    const signal = this.#jobs.begin(slug, 'update', `image ${image} is being fetched`, {
      untimed: true,
      trialMs,
      // one that has lost its devices by the update is no success; one that had none before is no worse
      accepts: (now) => now === 'running' || (now === 'degraded' && state !== 'running'),
      commit: () => this.#keep(update),
      undo: (reason) => this.#goBack(update, reason),
    });
    this.#run(update, found, signal).catch((error: unknown) => this.#jobs.fail(slug, messageWithHint(error)));
  }

  async #run(update: Update, found: AddonPackage, signal: AbortSignal): Promise<void> {
    const { protocols, containers } = this.#parts;
    const { slug, image, held, before } = update;
    const jobs = this.#jobs;
    const fetched = await fetchImage({ slug, image, signal }, { containers, jobs });
    const isOther = fetched.image.id !== held.image.id;
    if (!isOther && !before) {
      await protocols.records.setContainer(slug, { ...held, image: fetched.image });
      jobs.succeed(slug, `${image} is what runs already`);
      return;
    }
    update.fetched = fetched;
    jobs.note(slug, `${image} is being started; ${held.image.name} is kept`);
    update.begun = true;
    if (isOther) await protocols.records.setContainer(slug, { ...held, candidate: fetched.image });
    if (before) protocols.replace(found);
    jobs.startClock(slug, UPDATE_READY_MS);
  }

  /** The new version stays; the one before it is kept for a way back by hand. */
  async #keep({ slug, held, fetched }: Update): Promise<void> {
    if (!fetched) return;
    const { image } = fetched;
    const { previous } = held;
    // of the same image only its manifest is new: the way back stays what it was
    const next =
      image.id === held.image.id
        ? { ...held, image }
        : { image, previous: held.image, stale: previous ? [previous] : [] };
    await this.#parts.protocols.records.setContainer(slug, next);
    void this.#leftovers.clear(slug);
  }

  async #goBack(update: Update, reason: string): Promise<InstallationPhase> {
    const { slug, image, held, fetched, begun, before } = update;
    const { protocols, events } = this.#parts;
    const told = `the update to ${image} failed: ${reason}`;
    if (!protocols.isInstalled(slug)) return { status: 'failed', reason: told };
    const { name } = held.image;
    if (!begun || !fetched) return { status: 'installed', reason: `${told}; ${name} goes on` };
    const back = addonHeard({ events, slug, until: 'heard', withinMs: BACK_MS });
    const stale = fetched.isNew ? [...(held.stale ?? []), fetched.image] : held.stale;
    const { stale: _, ...kept } = held;
    await protocols.records.setContainer(slug, { ...kept, ...(stale ? { stale } : {}) });
    if (before) protocols.replace(before);
    const isBack = await back;
    void this.#leftovers.clear(slug);
    return {
      status: 'installed',
      reason: `${told}; ${name} ${isBack ? 'is back' : 'is being started again'}`,
    };
  }
}
