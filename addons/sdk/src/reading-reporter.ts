/**
 * Readings from the add-on's author to gate: checked, given an id, put into their wire form and queued until they are
 * acknowledged. What the queue has to give up is told once a second.
 */
import { READING_MAX_BYTES, READING_MAX_DEPTH, UNACKNOWLEDGED_MAX } from '../../../src/contract/limits.ts';
import { shortId } from '../../../src/lib/short-id.ts';
import { isJsonObject, type JsonObject, withinDepth } from '../../../src/model/json.ts';
import { TS_MAX_MS } from '../../../src/model/reading.ts';
import { AddonError } from './addon-error.ts';
import type { Clock } from './clock.ts';
import { type OutgoingReading, ReadingQueue } from './reading-queue.ts';

/** Readings given up are told once in this time. */
const DROPPED_TOLD_MS = 1_000;
/** `room` waits until fewer readings than this wait for gate. */
const ROOM_BELOW = UNACKNOWLEDGED_MAX / 2;

export interface ReadingReporterParts {
  clock: Clock;
  /** The topic of a device's readings. */
  topicOf: (deviceId: string) => string;
  /** Hands a reading to the connection; called only between `open` and `close`. */
  send: (reading: OutgoingReading) => void;
  /** Readings had to be given up: `total` so far, `recent` of them in the last second. */
  onDropped: (total: number, recent: number) => void;
}

export class ReadingReporter {
  readonly #parts: ReadingReporterParts;
  readonly #queue: ReadingQueue;
  readonly #topics = new Map<string, string>();
  /** Makes ids of readings unique across restarts: gate remembers at least the last 100,000. */
  readonly #sessionId = shortId(6);
  #counter = 0;
  #dropped = 0;
  #droppedSaid = false;

  constructor(parts: ReadingReporterParts) {
    this.#parts = parts;
    this.#queue = new ReadingQueue({ send: parts.send, onDropped: () => this.#noteDropped() });
  }

  /** @throws AddonError badReading, badDeviceId: see `Addon.report` */
  report(deviceId: string, data: JsonObject, ts = this.#parts.clock.now()): void {
    const topic = this.#topics.get(deviceId) ?? this.#newTopic(deviceId);
    if (!Number.isInteger(ts) || ts < 0 || ts > TS_MAX_MS) {
      throw new AddonError(
        'badReading',
        `ts of a reading of "${deviceId}" is not whole milliseconds since 1970`,
      );
    }
    if (!isJsonObject(data) || !withinDepth(data, READING_MAX_DEPTH)) {
      throw new AddonError(
        'badReading',
        `data of a reading of "${deviceId}" is no object or nested too deep`,
      );
    }
    const id = `${this.#sessionId}-${(this.#counter++).toString(36)}`;
    const payload = `{"id":"${id}","ts":${ts},"data":${textOf(deviceId, data)}}`;
    // three bytes of UTF-8 at most for each character: mostly the exact count is not needed
    if (payload.length * 3 > READING_MAX_BYTES && Buffer.byteLength(payload) > READING_MAX_BYTES) {
      throw new AddonError(
        'badReading',
        `a reading of "${deviceId}" is larger than ${READING_MAX_BYTES} bytes`,
      );
    }
    this.#queue.push(topic, payload);
  }

  /** Readings that gate has not acknowledged. */
  get unacknowledged(): number {
    return this.#queue.unacknowledged;
  }

  /** Resolves once half of UNACKNOWLEDGED_MAX is free. */
  room(): Promise<void> {
    return this.#queue.below(ROOM_BELOW);
  }

  /** Resolves once every reading is acknowledged. */
  flush(): Promise<void> {
    return this.#queue.below(1);
  }

  /** A connection stands: what is not acknowledged is sent, from the oldest on. */
  open(): void {
    this.#queue.open();
  }

  close(): void {
    this.#queue.close();
  }

  acknowledge(packetId: number): void {
    this.#queue.acknowledge(packetId);
  }

  /** Forgets the topics of all devices but these. */
  keepOnly(deviceIds: ReadonlySet<string>): void {
    for (const deviceId of this.#topics.keys()) if (!deviceIds.has(deviceId)) this.#topics.delete(deviceId);
  }

  #newTopic(deviceId: string): string {
    checkDeviceId(deviceId);
    const topic = this.#parts.topicOf(deviceId);
    this.#topics.set(deviceId, topic);
    return topic;
  }

  #noteDropped(): void {
    this.#dropped += 1;
    if (this.#droppedSaid) return;
    this.#droppedSaid = true;
    const before = this.#dropped - 1;
    this.#parts.clock.after(DROPPED_TOLD_MS, () => {
      this.#droppedSaid = false;
      this.#parts.onDropped(this.#dropped, this.#dropped - before);
    });
  }
}

/** One level of a topic: MQTT 3.1.1, clause 4.7. @throws AddonError badDeviceId */
export function checkDeviceId(deviceId: string): void {
  if (/^[^/+#\0]{1,256}$/.test(deviceId)) return;
  throw new AddonError('badDeviceId', `"${deviceId}" cannot be the id of a device`);
}

function textOf(deviceId: string, data: JsonObject): string {
  try {
    return JSON.stringify(data);
  } catch (cause) {
    throw new AddonError('badReading', `data of a reading of "${deviceId}" is not JSON`, { cause });
  }
}
