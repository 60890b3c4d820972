/**
 * The history of attributes: which device, and where its add-on puts what the device itself sent. What is kept is
 * the store's to say: a device without readings has no history, be it known or not.
 */
import type { GatewayError } from '../model/error.ts';
import type {
  HistoryBucket,
  HistoryBucketsRequest,
  HistoryOutcome,
  HistoryValues,
  HistoryValuesRequest,
} from '../model/history.ts';
import type { JsonValue } from '../model/json.ts';
import type { ClockMark } from '../model/reading.ts';
import type { Devices } from './devices/devices.ts';
import type { HistoryStore } from './ports.ts';

/** The wrapper of an HTTP device's answer, `{type: 'data', message: {data}}`: its attributes lie inside. */
const HTTP_PROTOCOL = 'http';
const HTTP_ROOT = ['message', 'data'];

/** `protocol`: the slug of the device's protocol, for the entries' `metadata`. */
export type DeviceHistory<Entries> = HistoryOutcome<Entries> & { protocol: string };

/** A value longer than this as JSON is no reading at a glance: it is left out of the latest ones. */
export const LATEST_VALUE_MAX_CHARS = 2_000;
/** How long one device is looked through for attributes that it sends rarely. */
const LATEST_WALK_MS = 250;
/** Where that is not enough: only this far back. */
const LATEST_SPAN_MS = 3_600_000;

/** The newest value of each of a device's attributes; times in milliseconds since 1970. */
export interface LatestValues {
  deviceId: string;
  protocol: string;
  values: Record<string, { value: JsonValue; ts: number; clock?: ClockMark }>;
}

export class History {
  #latest: Promise<LatestValues[]> | undefined;
  readonly #store: HistoryStore;
  readonly #devices: Devices;

  constructor(parts: { store: HistoryStore; devices: Devices }) {
    this.#store = parts.store;
    this.#devices = parts.devices;
  }

  /** @throws GatewayError as `HistoryStore` */
  async values(request: Omit<HistoryValuesRequest, 'root'>): Promise<DeviceHistory<HistoryValues>> {
    const { protocol, root } = this.#source(request.deviceId);
    return { ...(await this.#store.historyValues({ ...request, root })), protocol };
  }

  /** @throws GatewayError as `HistoryStore` */
  async buckets(
    request: Omit<HistoryBucketsRequest, 'root'>,
  ): Promise<DeviceHistory<readonly HistoryBucket[]>> {
    const { protocol, root } = this.#source(request.deviceId);
    return { ...(await this.#store.historyBuckets({ ...request, root })), protocol };
  }

  /**
   * What each device below the gateway said last, attribute by attribute, for an overview. Who asks while it is
   * gathered is given the same. A device whose rare attributes cannot be found in time has those of the last hour.
   */
  latest(): Promise<LatestValues[]> {
    this.#latest ??= this.#gather().finally(() => {
      this.#latest = undefined;
    });
    return this.#latest;
  }

  async #gather(): Promise<LatestValues[]> {
    const all: LatestValues[] = [];
    for (const { id } of this.#devices.subDevices()) {
      const found = (await this.#latestOf(id)) ?? (await this.#latestOf(id, Date.now() - LATEST_SPAN_MS));
      all.push({ deviceId: id, protocol: this.#source(id).protocol, values: found ?? {} });
    }
    return all;
  }

  /** Undefined where it takes too long, or there is too much to be shown. */
  async #latestOf(deviceId: string, fromMs?: number): Promise<LatestValues['values'] | undefined> {
    const signal = AbortSignal.timeout(LATEST_WALK_MS);
    const pick = { end: 'last', count: 1 } as const;
    try {
      const found = await this.values({ deviceId, pick, fromMs, signal });
      if ('missing' in found) return {};
      const values: LatestValues['values'] = Object.create(null);
      for (const [attribute, entries] of found.entries) {
        const [ts] = entries.times;
        const [value] = entries.values;
        if (ts === undefined || value === undefined) continue;
        if (JSON.stringify(value).length > LATEST_VALUE_MAX_CHARS) continue;
        const clock = entries.clocks?.get(0);
        values[attribute] = { value, ts, ...(clock ? { clock } : {}) };
      }
      return values;
    } catch (error) {
      const { code } = error as GatewayError;
      if (code === 'unavailable' || code === 'badRequest') return undefined;
      throw error;
    }
  }

  #source(deviceId: string): { protocol: string; root: readonly string[] } {
    const protocol = this.#devices.find(deviceId)?.protocol ?? '';
    return { protocol, root: protocol === HTTP_PROTOCOL ? HTTP_ROOT : [] };
  }
}
