/**
 * The first journey's core: a reading from an add-on is checked, stored, told to everyone, and only then
 * acknowledged (`record` resolves). What `record` has resolved is on disk.
 */

import { GatewayError } from '../model/error.ts';
import type { NewReading, ReadingPage, ReadingPageQuery, StoredReading } from '../model/reading.ts';
import type { Devices } from './devices/devices.ts';
import type { GatewayEventBus } from './events.ts';
import type { ReadingStore } from './ports.ts';

export class Readings {
  readonly #store: ReadingStore;
  readonly #devices: Devices;
  readonly #events: GatewayEventBus;
  readonly #placed: (reading: NewReading) => NewReading;

  /** @param parts `placed`: a reading as it is to be stored, by what is known of the clock; as it is where left out */
  constructor(parts: {
    store: ReadingStore;
    devices: Devices;
    events: GatewayEventBus;
    placed?: (reading: NewReading) => NewReading;
  }) {
    this.#store = parts.store;
    this.#devices = parts.devices;
    this.#events = parts.events;
    this.#placed = parts.placed ?? ((reading) => reading);
  }

  /**
   * @returns false when the add-on had delivered this id before: nothing was changed
   * @throws GatewayError badMessage when the device is not this add-on's
   */
  record(addon: string, reading: NewReading): Promise<boolean> {
    if (this.#devices.find(reading.deviceId)?.protocol !== addon) {
      return Promise.reject(
        new GatewayError('badMessage', `device "${reading.deviceId}" does not belong to add-on "${addon}"`),
      );
    }
    return this.#store.append(addon, this.#placed(reading));
  }

  /** One commit is on disk: told to everyone who listens. */
  committed(readings: readonly StoredReading[]): void {
    this.#events.emit('readingsRecorded', readings);
  }

  /** @throws GatewayError notFound */
  page(query: ReadingPageQuery): ReadingPage {
    this.#devices.get(query.deviceId);
    return this.#store.page(query);
  }
}
