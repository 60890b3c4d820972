/** Last known availability of devices: may be lost, is told again by the add-ons. */
import type { AvailabilityStore } from '../../core/ports.ts';
import type { Availability } from '../../model/device.ts';
import { type Collection, Rebuildable, type RebuildableParts } from './rebuildable.ts';

type Entry = Availability & { _id: string };

export class AvailabilityFile implements AvailabilityStore {
  readonly #file: Rebuildable<Entry>;
  readonly #known = new Map<string, Availability>();
  #collection: Collection<Entry> | undefined;

  constructor(parts: RebuildableParts) {
    this.#file = new Rebuildable(parts);
  }

  async start(): Promise<void> {
    this.#collection = await this.#file.start();
    for (const { _id, online, reason, since } of await this.#collection.find({})) {
      this.#known.set(_id, { online, ...(reason === undefined ? {} : { reason }), since });
    }
  }

  async stop(): Promise<void> {
    this.#file.stop();
  }

  all(): ReadonlyMap<string, Availability> {
    return this.#known;
  }

  save(deviceId: string, availability: Availability): void {
    this.#known.set(deviceId, availability);
    const entry = { _id: deviceId, ...availability };
    if (this.#collection)
      this.#file.watch(this.#collection.update({ _id: deviceId }, entry, { upsert: true }));
  }

  remove(deviceId: string): void {
    this.#known.delete(deviceId);
    if (this.#collection) this.#file.watch(this.#collection.remove({ _id: deviceId }, {}));
  }
}
