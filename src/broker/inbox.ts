/**
 * What add-ons send, decoded and handed to the core. A message that is not as the contract has it harms nobody: it is
 * counted, named once for each kind of fault, and shown in health.
 *
 * `receive` resolves when the message has been dealt with: for a reading, when it is on disk. It rejects only when a
 * reading could not be stored: then it must not be acknowledged.
 */
import { READING_MAX_BYTES, READING_MAX_DEPTH } from '../contract/limits.ts';
import {
  availabilityMessage,
  busTelegramsEvent,
  dataMessage,
  eventMessage,
  type ResultMessage,
  resultMessage,
  stateMessage,
} from '../contract/messages.ts';
import { type InboundTopic, parseInboundTopic } from '../contract/topics.ts';
import type { Devices } from '../core/devices/devices.ts';
import type { GatewayEventBus } from '../core/events.ts';
import type { Figures } from '../core/figures.ts';
import type { Health } from '../core/health.ts';
import { type Protocols, partOf } from '../core/protocols/protocols.ts';
import type { Readings } from '../core/readings.ts';
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import { type JsonObject, withinDepth } from '../model/json.ts';
import { parseWith } from '../model/parse.ts';

/** Kinds of fault that are named for one add-on; further ones are only counted. */
const NAMED_FAULTS_MAX = 20;
/** Between two updates of an add-on's count in health, while it keeps sending what is bad. */
const NOTE_EVERY_MS = 1_000;

export interface InboxParts {
  readings: Readings;
  devices: Devices;
  protocols: Protocols;
  health: Health;
  figures: Figures;
  events: GatewayEventBus;
  logger: Logger;
  now: () => number;
}

interface Faults {
  count: number;
  named: Set<string>;
  notedAt: number;
}

export class Inbox {
  readonly #parts: InboxParts;
  readonly #faults = new Map<string, Faults>();
  #inFlight = 0;
  #closed = false;
  #whenDrained: (() => void) | undefined;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  async receive(slug: string, topic: string, payload: string | Buffer): Promise<void> {
    if (this.#closed) throw new GatewayError('unavailable', 'the gateway is stopping');
    this.#inFlight += 1;
    try {
      await this.#handle(slug, topic, payload);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'badMessage') throw error;
      this.refuse(slug, error.message);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#whenDrained?.();
    }
  }

  /** A result's content, or undefined when it is not as the contract has it. */
  result(slug: string, payload: string | Buffer): ResultMessage | undefined {
    try {
      return parseWith(resultMessage, decode(payload), 'result', 'badMessage');
    } catch (error) {
      this.refuse(slug, (error as Error).message);
      return undefined;
    }
  }

  /** Counts what an add-on did wrong, and names it once. */
  refuse(slug: string, reason: string): void {
    const faults = this.#faults.get(slug) ?? {
      count: 0,
      named: new Set(),
      notedAt: Number.NEGATIVE_INFINITY,
    };
    this.#faults.set(slug, faults);
    faults.count += 1;
    // what varies from message to message, such as an id, does not make another kind of fault
    const kind = reason.replace(/"[^"]*"/g, '""');
    const isNew = !faults.named.has(kind) && faults.named.size < NAMED_FAULTS_MAX;
    if (isNew) {
      faults.named.add(kind);
      this.#parts.logger.warn(
        { addon: slug },
        `a message was refused: ${reason} (further ones of this kind are only counted)`,
      );
    }
    const now = this.#parts.now();
    if (!isNew && now - faults.notedAt < NOTE_EVERY_MS) return;
    faults.notedAt = now;
    this.#parts.health.note(partOf(slug), { badMessages: faults.count, lastBadMessage: reason });
  }

  /** Refuses whatever comes from now on. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when what was taken has been dealt with. */
  async drained(): Promise<void> {
    if (this.#inFlight > 0)
      await new Promise<void>((resolve) => {
        this.#whenDrained = resolve;
      });
  }

  async #handle(slug: string, path: string, payload: string | Buffer): Promise<void> {
    const topic = parseInboundTopic(slug, path);
    if (!topic) throw new GatewayError('badMessage', `it may not publish to "${path}"`);
    if (topic.kind === 'data') return this.#countedReading(slug, topic, payload);
    this.#other(slug, topic, decode(payload));
  }

  async #countedReading(slug: string, topic: { deviceId: string }, payload: string | Buffer): Promise<void> {
    const { recorded, repeated, refused } = this.#parts.figures;
    try {
      const isNew = await this.#reading(slug, topic, payload);
      (isNew ? recorded : repeated).add(slug);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'badMessage') refused.add(slug);
      throw error;
    }
  }

  /** @returns false for a repeat @throws GatewayError badMessage; whatever the store cannot do */
  async #reading(
    slug: string,
    { deviceId }: { deviceId: string },
    payload: string | Buffer,
  ): Promise<boolean> {
    if (payload.length > READING_MAX_BYTES) {
      throw new GatewayError('badMessage', `a reading larger than ${READING_MAX_BYTES} bytes`);
    }
    const { id, ts, data } = parseWith(dataMessage, decode(payload), 'reading', 'badMessage');
    if (!withinDepth(data, READING_MAX_DEPTH)) {
      throw new GatewayError('badMessage', `a reading nested deeper than ${READING_MAX_DEPTH}`);
    }
    return this.#parts.readings.record(slug, { deviceId, id, ts, data });
  }

  #other(slug: string, topic: InboundTopic, message: unknown): void {
    const { protocols, devices, events } = this.#parts;
    switch (topic.kind) {
      case 'state':
        protocols.reportState(slug, parseWith(stateMessage, message, 'state', 'badMessage'));
        return;
      case 'availability': {
        const said = parseWith(availabilityMessage, message, 'availability', 'badMessage');
        devices.reportAvailability(slug, topic.deviceId, said);
        return;
      }
      case 'event': {
        const { type, deviceId, ...details } = parseWith(eventMessage, message, 'event', 'badMessage');
        if (deviceId !== undefined && devices.find(deviceId)?.protocol !== slug) {
          throw new GatewayError('badMessage', `device "${deviceId}" does not belong to add-on "${slug}"`);
        }
        if (type === 'busTelegrams') {
          const heard = parseWith(busTelegramsEvent, details, 'busTelegrams', 'badMessage');
          events.emit('busTelegramsHeard', { slug, ...heard, ts: this.#parts.now() });
          return;
        }
        events.emit('addonEventReported', {
          slug,
          type,
          deviceId,
          details: details as JsonObject,
        });
        return;
      }
      case 'data':
      case 'result': // these go their own ways: `#reading`, `result`
        return;
    }
  }
}

/** @throws GatewayError badMessage */
function decode(payload: string | Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw new GatewayError('badMessage', 'it is not JSON', { cause: error });
  }
}
