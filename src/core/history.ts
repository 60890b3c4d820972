/**
 * The history of attributes: which device, and where its add-on puts what the device itself sent. What is kept is
 * the store's to say: a device without readings has no history, be it known or not.
 */
import type {
  HistoryBucket,
  HistoryBucketsRequest,
  HistoryOutcome,
  HistoryValues,
  HistoryValuesRequest,
} from '../model/history.ts';
import type { Devices } from './devices.ts';
import type { HistoryStore } from './ports.ts';

/** The wrapper of an HTTP device's answer, `{type: 'data', message: {data}}`: its attributes lie inside. */
const HTTP_PROTOCOL = 'http';
const HTTP_ROOT = ['message', 'data'];

/** `protocol`: the slug of the device's protocol, for the entries' `metadata`. */
export type DeviceHistory<Entries> = HistoryOutcome<Entries> & { protocol: string };

export class History {
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

  #source(deviceId: string): { protocol: string; root: readonly string[] } {
    const protocol = this.#devices.find(deviceId)?.protocol ?? '';
    return { protocol, root: protocol === HTTP_PROTOCOL ? HTTP_ROOT : [] };
  }
}
