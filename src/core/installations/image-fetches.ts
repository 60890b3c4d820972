/** How far the images of protocols have come that are being fetched: for whoever comes back to an installation. */
import type { Dispose } from '../../lib/event-bus.ts';
import type { GatewayEventBus } from '../events.ts';
import type { ImageProgress } from '../ports.ts';

export class ImageFetches {
  readonly #events: GatewayEventBus;
  readonly #progress = new Map<string, ImageProgress>();
  #dispose: Dispose = () => {};

  constructor(events: GatewayEventBus) {
    this.#events = events;
  }

  start(): void {
    this.#dispose = this.#events.on('installationChanged', ({ slug, progress }) => {
      // whatever else is told of it: the image is here, or not needed any more
      if (progress) this.#progress.set(slug, progress);
      else this.#progress.delete(slug);
    });
  }

  stop(): void {
    this.#dispose();
  }

  /** Undefined while none is fetched for it. */
  progressOf(slug: string): ImageProgress | undefined {
    return this.#progress.get(slug);
  }
}
