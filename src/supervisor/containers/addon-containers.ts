/**
 * What installing, updating and removing needs of the container engine; and which runtime an add-on gets that is
 * installed now (docs/decisions/0024).
 */

import type {
  AddonContainers,
  ContainerRemoval,
  FetchedImage,
  FetchOptions,
  RuntimeChoice,
} from '../../core/ports.ts';
import type { AddonPackage } from '../../core/protocols/addon-package.ts';
import { GatewayError } from '../../model/error.ts';
import type { PinnedImage } from '../../model/protocol.ts';
import { LABELS, ownLabels } from './container-descriptor.ts';
import type { ContainerImages } from './container-images.ts';
import type { ContainerRemovals } from './container-removal.ts';
import { ownVolume } from './data-volume.ts';
import type { Engine } from './engine.ts';

export type RuntimeMode = 'auto' | 'process' | 'container';

export interface EngineAddonContainersParts {
  mode: RuntimeMode;
  gatewayId: string;
  engine: Engine;
  images: ContainerImages;
  removals: ContainerRemovals;
}

export class EngineAddonContainers implements AddonContainers {
  readonly #parts: EngineAddonContainersParts;

  constructor(parts: EngineAddonContainersParts) {
    this.#parts = parts;
  }

  /** What add-ons that are installed now run as, in words, and whether an engine answers. */
  async describe(): Promise<{ engine: boolean; reason: string }> {
    const { mode, engine } = this.#parts;
    if (mode === 'process')
      return { engine: false, reason: 'add-ons run as processes: ADDON_RUNTIME=process' };
    try {
      const { name } = await engine.version();
      return { engine: true, reason: `add-ons run as containers: ${name} answers at ${engine.socketPath}` };
    } catch (error) {
      const why = `no container engine answers at ${engine.socketPath} (${(error as Error).message})`;
      if (mode === 'auto') return { engine: false, reason: `add-ons run as processes: ${why}` };
      return { engine: false, reason: `add-ons cannot be installed: ADDON_RUNTIME=container, and ${why}` };
    }
  }

  async choose({ manifest }: AddonPackage, wanted?: string): Promise<RuntimeChoice> {
    const { mode, images } = this.#parts;
    const { process, container } = manifest.runtime;
    const mayFallBack = mode === 'auto' && process !== undefined && wanted === undefined;
    if (mode === 'process' || !container) {
      if (process && mode !== 'container' && wanted === undefined)
        return {
          kind: 'process',
          reason: mode === 'process' ? 'ADDON_RUNTIME=process' : 'it has no image',
          mayFallBack: false,
        };
      throw new GatewayError(
        'conflict',
        `protocol "${manifest.slug}" ${noRuntime(mode, container !== undefined)}`,
        {
          hint: 'see ADDON_RUNTIME, and "runtime" in the manifest of its add-on',
        },
      );
    }
    const { engine, reason } = await this.describe();
    if (!engine) {
      if (mayFallBack) return { kind: 'process', reason, mayFallBack: false };
      throw new GatewayError('conflict', `protocol "${manifest.slug}" needs a container engine: ${reason}`, {
        reasonCode: 'engineUnavailable',
        hint: 'start one (systemctl start docker), and see that gate’s user may use its socket (group docker)',
      });
    }
    const image = wanted ?? container.image;
    try {
      images.demandAllowed(image);
    } catch (error) {
      if (!mayFallBack) throw error;
      return { kind: 'process', reason: (error as Error).message, mayFallBack: false };
    }
    return { kind: 'container', image, reason, mayFallBack };
  }

  demandAllowed(imageName: string): void {
    this.#parts.images.demandAllowed(imageName);
  }

  fetch(imageName: string, options: FetchOptions): Promise<FetchedImage> {
    return this.#parts.images.fetch(imageName, options);
  }

  /** @throws GatewayError addonUnavailable: a volume of that name is another's */
  async hasData(slug: string): Promise<boolean> {
    const { engine, gatewayId } = this.#parts;
    return ownVolume(engine, gatewayId, slug);
  }

  noteRemoval(slug: string, removal: ContainerRemoval): Promise<void> {
    return this.#parts.removals.note(slug, removal);
  }

  voidRemoval(slug: string): Promise<void> {
    return this.#parts.removals.void(slug);
  }

  finishRemoval(slug: string, imagesInUse: ReadonlySet<string>): Promise<void> {
    return this.#parts.removals.finish(slug, imagesInUse);
  }

  async keepOnly(slug: string, kept: readonly PinnedImage[]): Promise<void> {
    const { engine, gatewayId } = this.#parts;
    const ids = new Set(kept.map(({ id }) => id));
    for (const { Id, Labels } of await engine.containers(ownLabels(gatewayId, slug)))
      if (!ids.has(Labels[LABELS.image] ?? '')) await engine.removeContainer(Id);
  }

  dropImage(image: PinnedImage): Promise<void> {
    return this.#parts.images.drop(image);
  }
}

function noRuntime(mode: RuntimeMode, hasContainer: boolean): string {
  if (!hasContainer) return 'cannot run as a container: its manifest has no "runtime.container"';
  return `cannot run as a container: ADDON_RUNTIME=${mode}`;
}
