/**
 * Images of add-ons: fetched by the names that the configuration allows, held to their content from then on, deleted
 * when nobody needs them. Fetching is tried again while the registry is away.
 */

import type { FetchedImage, FetchOptions } from '../../core/ports.ts';
import { backoffMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/deadline.ts';
import { GatewayError } from '../../model/error.ts';
import type { PinnedImage } from '../../model/protocol.ts';
import type { Engine } from './engine.ts';
import { engineError, isElsewhere, mayPass } from './engine-error.ts';
import { digestFor, isAllowed, pullName } from './image-name.ts';
import { PullProgress } from './pull-progress.ts';
import { linesOf } from './stream-lines.ts';

export interface FetchLimits {
  attempts: number;
  minMs: number;
  maxMs: number;
  /** Without a word for so long, the engine counts as hung. */
  stallMs: number;
}

export const FETCH_LIMITS: FetchLimits = { attempts: 4, minMs: 2_000, maxMs: 15_000, stallMs: 120_000 };
/** Progress is told at most so often. */
const TELL_MS = 500;

export class ContainerImages {
  readonly #engine: Engine;
  readonly #allowed: readonly string[];
  readonly #limits: FetchLimits;

  constructor(parts: { engine: Engine; allowed: readonly string[]; limits?: FetchLimits }) {
    this.#engine = parts.engine;
    this.#allowed = parts.allowed;
    this.#limits = parts.limits ?? FETCH_LIMITS;
  }

  /** @throws GatewayError forbidden */
  demandAllowed(name: string): void {
    if (isAllowed(name, this.#allowed)) return;
    throw new GatewayError('forbidden', `image "${name}" is not among those that this gateway may run`, {
      reasonCode: 'imageRefused',
      hint: `ADDON_IMAGES names what it may: ${this.#allowed.join(', ') || 'nothing'}`,
    });
  }

  /** @throws GatewayError forbidden; addonUnavailable saying why it cannot be had */
  async fetch(name: string, options: FetchOptions): Promise<FetchedImage> {
    this.demandAllowed(name);
    const before = await this.#engine.image(name);
    const attempts = options.once ? 1 : this.#limits.attempts;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const said = await this.#pull(pullName(name), options);
        const image = await this.#pinned(name);
        return { image, said: withDigest(said, image), isNew: before?.Id !== image.id };
      } catch (error) {
        // an image that was brought to the box by hand needs no registry
        if (before && isElsewhere(error)) {
          const said = [`Status: ${(error as Error).message}; the image that is here is taken`];
          return { image: pin(name, before), said, isNew: false };
        }
        if (!mayPass(error) || attempt + 1 >= attempts) throw error;
        const { minMs, maxMs } = this.#limits;
        await pause(backoffMs(attempt, { minMs, maxMs }), options.signal);
        options.signal.throwIfAborted();
      }
    }
  }

  /** Sees to it that this very image is here. @throws GatewayError addonUnavailable */
  async ensure(image: PinnedImage, signal: AbortSignal): Promise<void> {
    if (await this.#engine.image(image.id)) return;
    this.demandAllowed(image.name);
    if (image.digest === undefined) {
      throw new GatewayError(
        'addonUnavailable',
        `its image ${image.name} is gone from the container engine`,
        {
          reasonCode: 'imageNotFound',
          hint: 'it has no digest under which it could be fetched again: bring it back, or update the protocol',
        },
      );
    }
    await this.#pull(image.digest, { signal, onProgress: () => undefined });
  }

  /** Deletes one that nobody else uses; what is used stays. */
  async drop({ id, name }: PinnedImage): Promise<void> {
    const found = await this.#engine.image(id);
    if (!found) return;
    // more than one name: only ours goes, and the image with the last of them
    const names = found.RepoTags ?? [];
    await this.#engine.removeImage(names.length > 1 && names.includes(name) ? name : id);
  }

  async #pinned(name: string): Promise<PinnedImage> {
    const found = await this.#engine.image(name);
    if (found) return pin(name, found);
    throw new GatewayError('addonUnavailable', `image ${name} was fetched, and is not there`, {
      reasonCode: 'imageNotFound',
    });
  }

  /** @returns what the engine said of the image as a whole */
  async #pull(name: string, { onProgress, signal }: FetchOptions): Promise<string[]> {
    const what = `fetching image ${name}`;
    const progress = new PullProgress();
    const ending = new AbortController();
    let stalled = false;
    const stall = setTimeout(() => {
      stalled = true;
      ending.abort();
    }, this.#limits.stallMs);
    let toldMs = 0;
    const tell = () => {
      toldMs = performance.now();
      onProgress(progress.now());
    };
    try {
      const stream = await this.#engine.pull(name, AbortSignal.any([signal, ending.signal]));
      for await (const line of linesOf(stream)) {
        stall.refresh();
        progress.take(line);
        if (performance.now() - toldMs >= TELL_MS) tell();
      }
      if (progress.failure === undefined) progress.finish();
      tell();
    } catch (error) {
      if (!signal.aborted && !stalled) throw engineError(what, error);
    } finally {
      clearTimeout(stall);
    }
    signal.throwIfAborted();
    if (stalled)
      throw engineError(what, { message: `i/o timeout: nothing came for ${this.#limits.stallMs / 1_000} s` });
    if (progress.failure !== undefined) throw engineError(what, { message: progress.failure });
    return progress.said;
  }
}

/** Podman does not say it by itself. */
function withDigest(said: string[], { digest }: PinnedImage): string[] {
  if (digest === undefined || said.some((line) => line.startsWith('Digest: '))) return said;
  return [...said, `Digest: ${digest.slice(digest.indexOf('@') + 1)}`];
}

function pin(name: string, { Id: id, RepoDigests }: { Id: string; RepoDigests?: string[] }): PinnedImage {
  const digest = digestFor(name, RepoDigests ?? []);
  return { name, id, ...(digest === undefined ? {} : { digest }) };
}
