/**
 * Installing and updating add-ons that run as containers. The order of steps is what keeps a box whole: an image is
 * fetched before anything is touched; what is wanted is on disk before the engine is told; the old container is kept,
 * stopped, until the new one has run well. A crash between any two steps ends in the old or in the new one.
 */
import { isDeepStrictEqual } from 'node:util';
import { pause } from '../lib/deadline.ts';
import type { SerialQueue } from '../lib/serial-queue.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import type { InstalledContainer, PinnedImage } from '../model/protocol.ts';
import type { AddonPackage } from './addon-package.ts';
import type { GatewayEventBus } from './events.ts';
import type { InstallationJobs } from './installation-jobs.ts';
import type { AddonContainers, FetchedImage, ImageProgress, RuntimeChoice } from './ports.ts';
import type { InstallationPhase } from './protocol-view.ts';
import type { Protocols } from './protocols.ts';

/** From the start of a new version until it must have said that it runs: with the way back it stays below a minute. */
export const UPDATE_READY_MS = 40_000;
/** What was begun is ended, or what ran before runs again; nobody waits longer to tell how it went. */
const UNDO_MS = 20_000;
const BYTES_PER_MB = 1_000_000;

export interface ContainerInstallsParts {
  protocols: Protocols;
  containers: AddonContainers;
  events: GatewayEventBus;
  /** A new version must have run well for so long before the old one is let go. */
  trialMs: number;
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
  #dispose: (() => void) | undefined;

  constructor(parts: ContainerInstallsParts, jobs: InstallationJobs, changes: SerialQueue) {
    this.#parts = parts;
    this.#jobs = jobs;
    this.#changes = changes;
  }

  start(): void {
    // what a crash has left is cleared away once the add-on runs: until then it may be needed
    this.#dispose = this.#parts.events.on('addonStateReported', ({ slug, state }) => {
      const stale = this.#parts.protocols.container(slug)?.stale ?? [];
      if (state === 'running' && stale.length > 0 && !this.#jobs.kindOf(slug)) void this.#clear(slug);
    });
  }

  stop(): void {
    this.#dispose?.();
  }

  /** Begins an installation; its parameters are checked already. */
  install(addon: AddonPackage, parameters: JsonObject, choice: RuntimeChoice): void {
    const { slug } = addon.manifest;
    const image = choice.image ?? '';
    const made: Made = {};
    const signal = this.#jobs.begin(slug, 'install', `image ${image} is being fetched`, {
      untimed: true,
      undo: (reason) => this.#undoInstall(slug, made, reason),
    });
    this.#install({ slug, image, parameters, choice, made, signal }).catch((error: unknown) =>
      this.#jobs.fail(slug, messageOf(error)),
    );
  }

  /** Begins an update to `image`, and to the manifest of `found`. */
  update(before: AddonPackage, found: AddonPackage, image: string): void {
    const { protocols } = this.#parts;
    const { slug } = found.manifest;
    const held = protocols.container(slug);
    if (!held) throw new GatewayError('conflict', `protocol "${slug}" is not installed as a container`);
    const { state } = protocols.get(slug);
    const tried: { fetched?: FetchedImage; begun?: boolean } = {};
    const replaces = !isDeepStrictEqual(before.manifest, found.manifest);
    const signal = this.#jobs.begin(slug, 'update', `image ${image} is being fetched`, {
      untimed: true,
      trialMs: this.#parts.trialMs,
      // one that has lost its devices by the update is no success; one that had none before is no worse
      accepts: (now) => now === 'running' || (now === 'degraded' && state !== 'running'),
      commit: async () => {
        const candidate = tried.fetched?.image;
        if (!candidate) return;
        const stale = held.previous ? [held.previous] : [];
        await protocols.setContainer(slug, { image: candidate, previous: held.image, stale });
        void this.#clear(slug);
      },
      undo: (reason) =>
        this.#undoUpdate({ slug, image, held, tried, reason, before: replaces ? before : undefined }),
    });
    const run = async () => {
      const fetched = await this.#fetch(slug, image, { signal });
      if (fetched.image.id === held.image.id && !replaces) {
        await protocols.setContainer(slug, { ...held, image: fetched.image });
        this.#jobs.succeed(slug, `${image} is what runs already`);
        return;
      }
      tried.fetched = fetched;
      this.#jobs.note(slug, `${image} is being started; ${held.image.name} is kept`);
      tried.begun = true;
      if (fetched.image.id !== held.image.id)
        await protocols.setContainer(slug, { ...held, candidate: fetched.image });
      if (replaces) protocols.replace(found);
      this.#jobs.startClock(slug, UPDATE_READY_MS);
    };
    run().catch((error: unknown) => this.#jobs.fail(slug, messageOf(error)));
  }

  /** After its program has ended. */
  async removed(slug: string, held: InstalledContainer, data: boolean): Promise<void> {
    const { containers } = this.#parts;
    await containers.discard(slug, { data });
    const { image, candidate, previous, stale = [] } = held;
    await this.#drop([image, candidate, previous, ...stale]);
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
    try {
      made.fetched = await this.#fetch(slug, image, { signal, once: choice.mayFallBack });
    } catch (error) {
      if (!choice.mayFallBack || signal.aborted) throw error;
      await this.#changes.run(() => protocols.install(slug, parameters));
      this.#jobs.note(slug, `${messageOf(error)}; it is started as a process instead`);
      this.#jobs.startClock(slug);
      made.recorded = true;
      return;
    }
    const { image: pinned } = made.fetched;
    made.hadData = await containers.hasData(slug);
    this.#jobs.note(slug, `its container is being made of ${pinned.digest ?? pinned.name}`);
    await this.#changes.run(() => protocols.install(slug, parameters, { image: pinned }));
    made.recorded = true;
    this.#jobs.startClock(slug);
  }

  async #fetch(
    slug: string,
    image: string,
    options: { signal: AbortSignal; once?: boolean },
  ): Promise<FetchedImage> {
    const fetched = await this.#parts.containers.fetch(image, {
      ...options,
      onProgress: (progress) => this.#jobs.note(slug, inWords(image, progress), progress),
    });
    options.signal.throwIfAborted();
    this.#jobs.say(slug, fetched.said);
    return fetched;
  }

  /** Everything that it made goes. One that runs as a process stays wanted, as those do. */
  async #undoInstall(slug: string, made: Made, reason: string): Promise<InstallationPhase> {
    const { protocols, containers, onTrouble } = this.#parts;
    const failed: InstallationPhase = { status: 'failed', reason };
    if (made.recorded && !made.fetched) return failed;
    try {
      if (made.recorded && protocols.isInstalled(slug)) {
        const ended = this.#heard('addonStopped', slug, () => true);
        await protocols.remove(slug, { force: true });
        await ended;
      }
      if (!made.fetched) return failed;
      await containers.discard(slug, { data: made.hadData === false });
      if (made.fetched.isNew) await this.#drop([made.fetched.image]);
    } catch (error) {
      onTrouble(
        `what the installation of "${slug}" had made could not be removed; the next start does it`,
        error,
      );
    }
    return failed;
  }

  async #undoUpdate(work: {
    slug: string;
    image: string;
    held: InstalledContainer;
    tried: { fetched?: FetchedImage; begun?: boolean };
    reason: string;
    before: AddonPackage | undefined;
  }): Promise<InstallationPhase> {
    const { slug, image, held, tried, reason, before } = work;
    const { protocols } = this.#parts;
    const told = `the update to ${image} failed: ${reason}`;
    if (!protocols.isInstalled(slug)) return { status: 'failed', reason: told };
    const candidate = tried.fetched?.image;
    if (!tried.begun || !candidate)
      return { status: 'installed', reason: `${told}; ${held.image.name} goes on` };
    const back = this.#heard(
      'addonStateReported',
      slug,
      (state) => state !== 'stopped' && state !== 'starting',
    );
    const stale = tried.fetched?.isNew ? [...(held.stale ?? []), candidate] : held.stale;
    const { stale: _, ...kept } = held;
    await protocols.setContainer(slug, { ...kept, ...(stale ? { stale } : {}) });
    if (before) protocols.replace(before);
    const isBack = await back;
    void this.#clear(slug);
    return {
      status: 'installed',
      reason: `${told}; ${held.image.name} ${isBack ? 'is back' : 'is being started again'}`,
    };
  }

  /** Removes the containers and images that are not needed any more. */
  async #clear(slug: string): Promise<void> {
    const { protocols, containers, onTrouble } = this.#parts;
    try {
      const held = protocols.container(slug);
      if (!held || held.candidate) return;
      await containers.keepOnly(slug, [held.image]);
      const { stale, ...kept } = held;
      if (!stale || stale.length === 0) return;
      await this.#drop(stale);
      // something else may have begun meanwhile
      if (isDeepStrictEqual(protocols.container(slug), held)) await protocols.setContainer(slug, kept);
    } catch (error) {
      onTrouble(`what is left of an earlier version of "${slug}" could not be removed`, error);
    }
  }

  /** An image without a digest could not be had again: it stays. */
  async #drop(images: readonly (PinnedImage | undefined)[]): Promise<void> {
    const { containers, protocols } = this.#parts;
    for (const image of images) {
      if (image?.digest === undefined || protocols.imagesInUse().has(image.id)) continue;
      await containers.dropImage(image);
    }
  }

  /** Whether it was heard of this add-on within `UNDO_MS`. */
  async #heard(
    event: 'addonStopped' | 'addonStateReported',
    wanted: string,
    matches: (state: string) => boolean,
  ): Promise<boolean> {
    const heard = new AbortController();
    // what the version that goes still says is not meant
    let began = event === 'addonStopped';
    const { events } = this.#parts;
    const disposers = [
      events.on('addonRunBegan', ({ slug }) => {
        began ||= slug === wanted;
      }),
      events.on(event, (said) => {
        const state = 'state' in said ? said.state : '';
        if (said.slug === wanted && began && matches(state)) heard.abort();
      }),
    ];
    await pause(UNDO_MS, heard.signal);
    for (const dispose of disposers) dispose();
    return heard.signal.aborted;
  }
}

function inWords(image: string, { layers, layersDone, bytes, totalBytes }: ImageProgress): string {
  const mb = (count: number) => (count / BYTES_PER_MB).toFixed(1);
  return `image ${image}: ${layersDone} of ${layers} layers, ${mb(bytes)} of ${mb(totalBytes)} MB`;
}

function messageOf(error: unknown): string {
  if (error instanceof GatewayError && error.hint) return `${error.message}: ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
