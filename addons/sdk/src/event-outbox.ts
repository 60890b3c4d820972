/**
 * Events and availability on their way to gate. Events are sent in order and kept until acknowledged, a bounded number
 * of them; of availability only the last word on each device counts, and it is said again on every connection.
 */
import type { AvailabilityMessage } from '../../../src/contract/messages.ts';

export const EVENTS_KEPT_MAX = 1_000;

export interface EventOutboxOptions {
  publish: (topic: string, payload: string) => Promise<boolean>;
  eventsTopic: string;
  availabilityTopic: (deviceId: string) => string;
}

export class EventOutbox {
  readonly #options: EventOutboxOptions;
  readonly #events = new Set<{ payload: string }>();
  readonly #availability = new Map<string, AvailabilityMessage>();

  constructor(options: EventOutboxOptions) {
    this.#options = options;
  }

  event(payload: string): void {
    const entry = { payload };
    this.#events.add(entry);
    if (this.#events.size > EVENTS_KEPT_MAX) {
      const [oldest] = this.#events;
      if (oldest) this.#events.delete(oldest);
    }
    void this.#sendEvent(entry);
  }

  /** Says it when it is news. */
  availability(deviceId: string, said: AvailabilityMessage): void {
    const before = this.#availability.get(deviceId);
    if (before?.online === said.online && before.reason === said.reason) return;
    this.#availability.set(deviceId, said);
    this.#sendAvailability(deviceId, said);
  }

  /** Forgets the availability of every device but these. */
  keepOnly(deviceIds: ReadonlySet<string>): void {
    for (const deviceId of this.#availability.keys()) {
      if (!deviceIds.has(deviceId)) this.#availability.delete(deviceId);
    }
  }

  /** A new connection stands. */
  sendAll(): void {
    for (const [deviceId, said] of this.#availability) this.#sendAvailability(deviceId, said);
    for (const entry of this.#events) void this.#sendEvent(entry);
  }

  async #sendEvent(entry: { payload: string }): Promise<void> {
    if (await this.#options.publish(this.#options.eventsTopic, entry.payload)) this.#events.delete(entry);
  }

  #sendAvailability(deviceId: string, said: AvailabilityMessage): void {
    void this.#options.publish(this.#options.availabilityTopic(deviceId), JSON.stringify(said));
  }
}
