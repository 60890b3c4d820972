/** The core's ports over plain arrays and maps: small, complete, and gone with the test. */
import type { ConfigMessage } from '../../src/contract/messages.ts';
import type {
  AddonLink,
  AddonRequest,
  AvailabilityStore,
  ClientStore,
  ClockOffset,
  ClockRecord,
  ClockStore,
  HistoryStore,
  NotificationStore,
  OperationStore,
  ReadingStore,
  Redated,
  Registry,
  RepeatStore,
} from '../../src/core/ports.ts';
import type { ClientRecord } from '../../src/model/client.ts';
import type { Availability, Device } from '../../src/model/device.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { JsonValue } from '../../src/model/json.ts';
import type { Notification } from '../../src/model/notification.ts';
import type { Operation } from '../../src/model/operation.ts';
import type { InstalledProtocol } from '../../src/model/protocol.ts';
import type { NewReading, ReadingPage, ReadingPageQuery, StoredReading } from '../../src/model/reading.ts';
import type { RepeatRecord } from '../../src/model/repeat.ts';

export class MemoryRegistry implements Registry {
  readonly #devices = new Map<string, Device>();
  readonly #protocols = new Map<string, InstalledProtocol>();
  readonly #kept = new Map<string, string>();

  devices(): Device[] {
    return [...this.#devices.values()];
  }

  async saveDevice(device: Device): Promise<void> {
    this.#devices.set(device.id, device);
  }

  async removeDevice(deviceId: string): Promise<void> {
    this.#devices.delete(deviceId);
  }

  protocols(): InstalledProtocol[] {
    return [...this.#protocols.values()];
  }

  async saveProtocol(protocol: InstalledProtocol): Promise<void> {
    this.#protocols.set(protocol.slug, protocol);
  }

  async removeProtocol(slug: string): Promise<void> {
    this.#protocols.delete(slug);
  }

  async keep(key: string, make: () => string): Promise<string> {
    const value = this.#kept.get(key) ?? make();
    this.#kept.set(key, value);
    return value;
  }

  kept(key: string): string | undefined {
    return this.#kept.get(key);
  }
}

/** Nothing was ever sent. Tests of history use the real store. */
export class MemoryHistory implements HistoryStore {
  async historyValues(): Promise<{ missing: 'device' }> {
    return { missing: 'device' };
  }

  async historyBuckets(): Promise<{ missing: 'device' }> {
    return { missing: 'device' };
  }
}

/** What is remembered of clocks; readings are `waiting` until they are dated anew. */
export class MemoryClocks implements ClockStore {
  record: ClockRecord = { latestMs: [], stretches: [] };
  readonly redated: ClockOffset[] = [];
  waiting = 0;

  clockRecord(): ClockRecord {
    return this.record;
  }

  noteClock(right: ClockOffset & { seenMs: number }): void {
    this.record = { ...this.record, right };
  }

  async redate(right: ClockOffset): Promise<Redated> {
    this.redated.push(right);
    const redated = { count: this.waiting, estimated: 0 };
    this.waiting = 0;
    return redated;
  }
}

export class MemoryClients implements ClientStore {
  readonly records = new Map<string, ClientRecord>();

  clients(): ClientRecord[] {
    return [...this.records.values()];
  }

  async saveClient(client: ClientRecord): Promise<void> {
    this.records.set(client.clientId, client);
  }

  async removeClient(clientId: string): Promise<void> {
    this.records.delete(clientId);
  }
}

export class MemoryReadingStore implements ReadingStore {
  readonly #readings: StoredReading[] = [];
  readonly #ids = new Set<string>();
  /** Set, every page fails as a broken disk would. */
  broken = false;

  async append(addon: string, { deviceId, id, ts, data }: NewReading): Promise<boolean> {
    if (this.#ids.has(`${addon} ${id}`)) return false;
    this.#ids.add(`${addon} ${id}`);
    const _id = this.#readings.length.toString(16).padStart(24, '0');
    this.#readings.push({ _id, deviceId, ts, data });
    return true;
  }

  page({ deviceId, start = 0, end = Infinity, ...query }: ReadingPageQuery): ReadingPage {
    if (this.broken) throw new Error('SQLITE_IOERR: disk I/O error in /var/lib/gate/readings.db');
    const { page, perPage, sortKey, descending } = query;
    const found = this.#readings.filter(
      (row) => row.deviceId === deviceId && row.ts >= start && row.ts <= end,
    );
    found.sort((a, b) => (a[sortKey] < b[sortKey] ? -1 : a[sortKey] > b[sortKey] ? 1 : 0));
    if (descending) found.reverse();
    return { data: found.slice((page - 1) * perPage, page * perPage), totalItems: found.length };
  }
}

export class MemoryAvailability implements AvailabilityStore {
  readonly #known = new Map<string, Availability>();

  all(): ReadonlyMap<string, Availability> {
    return this.#known;
  }

  save(deviceId: string, availability: Availability): void {
    this.#known.set(deviceId, availability);
  }

  remove(deviceId: string): void {
    this.#known.delete(deviceId);
  }
}

export class MemoryOperations implements OperationStore {
  readonly #operations = new Map<string, Operation>();

  async save(operation: Operation): Promise<void> {
    this.#operations.set(operation.id, operation);
  }

  async find(id: string): Promise<Operation | undefined> {
    return this.#operations.get(id);
  }

  async pending(): Promise<Operation[]> {
    return [...this.#operations.values()].filter(({ outcome }) => outcome.state === 'pending');
  }

  async count(): Promise<number> {
    return this.#operations.size;
  }
}

export class MemoryRepeats implements RepeatStore {
  readonly records = new Map<string, RepeatRecord>();
  /** Set, every write fails as on a full disk. */
  full = false;

  async all(): Promise<RepeatRecord[]> {
    return [...this.records.values()];
  }

  async save(record: RepeatRecord): Promise<void> {
    if (this.full) throw new Error('the disk is full');
    this.records.set(record.key, record);
  }

  async remove(key: string): Promise<void> {
    if (this.full) throw new Error('the disk is full');
    this.records.delete(key);
  }
}

export class MemoryNotifications implements NotificationStore {
  readonly saved: Notification[] = [];
  /** Set, every write fails as on a full disk. */
  full = false;

  notifications(): Notification[] {
    return [...this.saved];
  }

  async saveNotifications(notifications: readonly Notification[]): Promise<void> {
    if (this.full) throw new Error('the disk is full');
    this.saved.push(...notifications);
  }
}

/** Add-ons that answer as the test says: `answer` for every request, in place of a broker. */
export class MemoryAddonLink implements AddonLink {
  readonly requests: { slug: string; request: AddonRequest }[] = [];
  answer: (request: AddonRequest) => Promise<JsonValue> = () => Promise.resolve({});

  request(slug: string, request: AddonRequest): Promise<JsonValue> {
    this.requests.push({ slug, request });
    const aborted = new Promise<never>((_, reject) => {
      const abort = () => reject(new GatewayError('deviceTimeout', 'aborted'));
      request.signal?.addEventListener('abort', abort);
    });
    return Promise.race([this.answer(request), aborted]);
  }

  configure(_slug: string, _config: ConfigMessage): void {}
}
