/**
 * The store: everything that must survive, in `gate.db`, and what may be rebuilt beside it. Implements the core's
 * ports. One writer thread, one connection that reads.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ClientStore,
  ClockOffset,
  ClockRecord,
  ClockStore,
  CommitListener,
  HistoryStore,
  NotificationStore,
  ReadingStore,
  Redated,
  Registry,
  RelayStore,
} from '../core/ports.ts';
import type { ClientRecord } from '../model/client.ts';
import type { Device } from '../model/device.ts';
import { GatewayError } from '../model/error.ts';
import type {
  HistoryBucket,
  HistoryBucketsRequest,
  HistoryOutcome,
  HistoryValues,
  HistoryValuesRequest,
} from '../model/history.ts';
import type { Notification } from '../model/notification.ts';
import type { InstalledProtocol } from '../model/protocol.ts';
import type { NewReading, ReadingPage, ReadingPageQuery } from '../model/reading.ts';
import type { RelayItem, SeqRange } from '../model/relay.ts';
import { ClockMarks } from './clock/clock-marks.ts';
import { Redating } from './clock/redating.ts';
import { CommitQueue } from './commit-queue.ts';
import { checkedLog } from './damage/checked-log.ts';
import { HistoryQuery } from './history/history-query.ts';
import { ReadingQuery } from './reading-query.ts';
import { clientsIn, demandReadable, devicesIn, notificationsIn, protocolsIn } from './registry-records.ts';
import { RelayNotes } from './relay/relay-notes.ts';
import { RelayQuery } from './relay/relay-query.ts';
import { type Database, openForReading, storeError } from './sqlite.ts';
import { type DroppedFact, Upkeep } from './upkeep.ts';
import { Writer } from './writer.ts';
import type { WriterCallName } from './writer-messages.ts';

/** What can wait while a part of the store is damaged. Without the others a gateway is none. */
const UPKEEP_CALLS: readonly WriterCallName[] = [
  'retain',
  'pack',
  'noteRelayed',
  'saveRelayed',
  'saveNotifications',
  'noteClock',
  'redate',
];

export interface StoreSettings {
  /** Folder of `gate.db`. */
  folder: string;
  commitWindowMs: number;
  retentionDays: number;
  retentionBytes: number;
  /** Readings get numbers for the cloud. Where not, what was given out before is kept. */
  relaying?: boolean | undefined;
}

export interface StoreParts {
  settings: StoreSettings;
  /** Called with each commit before its readings are acknowledged. */
  onCommit: CommitListener;
  /** How long each commit of readings took until it was on disk. */
  onCommitTime?: (ms: number) => void;
  /** The disk refuses writes just now, with the reason; undefined when it takes them again. */
  onTrouble: (reason: string | undefined) => void;
  onDropped: (dropped: DroppedFact) => void;
  /** A part of it was found damaged; it goes on without. */
  onDamage?: (message: string) => void;
  /** The store is broken: the daemon cannot go on. */
  onFault: (error: GatewayError) => void;
  now: () => number;
  /** The time by which readings are too old; 0 while that is not known for sure. */
  retentionNow?: (() => number) | undefined;
  monotonicNow: () => number;
}

export class Store
  implements ReadingStore, HistoryStore, Registry, ClientStore, ClockStore, NotificationStore, RelayStore
{
  readonly #parts: StoreParts;
  readonly #path: string;
  readonly #writer: Writer;
  #reader: Database | undefined;
  #commits: CommitQueue | undefined;
  #query: ReadingQuery | undefined;
  #history: HistoryQuery | undefined;
  #relay: RelayQuery | undefined;
  readonly #relayNotes: RelayNotes;
  readonly #redating: Redating;
  #marks: ClockMarks | undefined;
  #upkeep: Upkeep | undefined;
  #damageFound: string | undefined;
  #isBroken = false;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#path = join(parts.settings.folder, 'gate.db');
    const { relaying = false } = parts.settings;
    this.#writer = new Writer({
      path: this.#path,
      relaying,
      onFault: parts.onFault,
      onDamage: (call, error) => void this.#metDamage(call, error),
    });
    this.#relayNotes = new RelayNotes(this.#writer);
    this.#redating = new Redating(this.#writer);
  }

  /** @throws GatewayError storeNewer, storeFailed; storeCorrupt after the file was set aside under a dated name */
  async start(): Promise<void> {
    this.#damageFound = await checkedLog(this.#path, this.#parts.now());
    try {
      const { epoch } = await this.#writer.start();
      const publicId = (seq: number) => epoch + seq.toString(16).padStart(14, '0');
      this.#reader = openForReading(this.#path);
      this.#marks = new ClockMarks(this.#reader);
      this.#query = new ReadingQuery(this.#reader, publicId);
      const { onCommit, onCommitTime = () => {}, onTrouble, monotonicNow, settings } = this.#parts;
      this.#relay = new RelayQuery(this.#reader, publicId);
      this.#history = new HistoryQuery({ database: this.#reader, monotonicNow });
      // while it can still be set aside
      demandReadable(this.#reader);
      this.#commits = new CommitQueue({
        writer: this.#writer,
        publicId,
        windowMs: settings.commitWindowMs,
        onCommit,
        onCommitTime,
        onTrouble,
        monotonicNow,
      });
    } catch (error) {
      this.#reader?.close();
      this.#reader = undefined;
      await this.#writer.stop();
      const failure = storeError(error, this.#path);
      throw failure.code === 'storeCorrupt' ? await this.#setAside(failure) : failure;
    }
    const { settings, now, retentionNow = now, onDropped } = this.#parts;
    const { retentionDays, retentionBytes } = settings;
    this.#upkeep = new Upkeep({
      writer: this.#writer,
      retentionDays,
      retentionBytes,
      now: retentionNow,
      onDropped,
    });
  }

  /** Commits what waits, then closes. */
  async stop(): Promise<void> {
    await this.#upkeep?.stop();
    await this.#redating.stop();
    await this.#commits?.stop();
    await this.#relayNotes.stop();
    this.#reader?.close();
    this.#reader = undefined;
    await this.#writer.stop();
  }

  append(addon: string, reading: NewReading): Promise<boolean> {
    return this.#started(this.#commits).append(addon, reading);
  }

  page(query: ReadingPageQuery): ReadingPage {
    return this.#reading(() => this.#started(this.#query).page(query));
  }

  async historyValues(request: HistoryValuesRequest): Promise<HistoryOutcome<HistoryValues>> {
    return this.#started(this.#history).values(request);
  }

  async historyBuckets(request: HistoryBucketsRequest): Promise<HistoryOutcome<readonly HistoryBucket[]>> {
    return this.#started(this.#history).buckets(request);
  }

  relayHead(): number {
    return this.#started(this.#relay).head();
  }

  relayPending(): SeqRange[] {
    return this.#started(this.#relay).pending();
  }

  relayItems(first: number, last: number): Iterable<RelayItem> {
    return this.#started(this.#relay).items(first, last);
  }

  noteRelayed(pending: readonly SeqRange[]): void {
    this.#relayNotes.note(pending);
  }

  relayBacklog(): { readings: number; sinceMs?: number } {
    const relay = this.#started(this.#relay);
    return relay.backlog(this.#relayNotes.latest ?? relay.pending());
  }

  clockRecord(): ClockRecord {
    return this.#started(this.#marks).record();
  }

  noteClock(right: ClockOffset & { seenMs: number }): void {
    void this.#writer.call('noteClock', right).catch(() => undefined);
  }

  redate(right: ClockOffset): Promise<Redated> {
    return this.#redating.run(right);
  }

  devices(): Device[] {
    return devicesIn(this.#started(this.#reader));
  }

  async saveDevice(device: Device): Promise<void> {
    await this.#writer.call('saveDevice', device);
  }

  async removeDevice(deviceId: string): Promise<void> {
    await this.#writer.call('removeDevice', deviceId);
  }

  protocols(): InstalledProtocol[] {
    return protocolsIn(this.#started(this.#reader));
  }

  async saveProtocol(protocol: InstalledProtocol): Promise<void> {
    await this.#writer.call('saveProtocol', protocol);
  }

  async removeProtocol(slug: string): Promise<void> {
    await this.#writer.call('removeProtocol', slug);
  }

  notifications(): Notification[] {
    return notificationsIn(this.#started(this.#reader));
  }

  async saveNotifications(notifications: readonly Notification[]): Promise<void> {
    await this.#writer.call('saveNotifications', notifications);
  }

  clients(): ClientRecord[] {
    return clientsIn(this.#started(this.#reader));
  }

  async saveClient(client: ClientRecord): Promise<void> {
    await this.#writer.call('saveClient', client);
  }

  async removeClient(clientId: string): Promise<void> {
    await this.#writer.call('removeClient', clientId);
  }

  keep(key: string, make: () => string): Promise<string> {
    return this.#writer.call('keep', { key, value: make() });
  }

  kept(key: string): string | undefined {
    const row = this.#started(this.#reader).prepare('SELECT value FROM meta WHERE key = ?').get(key);
    return row && String(row['value']);
  }

  /** What the start found and went on without, in words. */
  get damageFound(): string | undefined {
    return this.#damageFound;
  }

  /** Resolves when the writer has done what was asked of it so far, commits included; nothing is written for it. */
  async getOn(): Promise<void> {
    await this.#writer.call('getOn', null);
  }

  /** What it takes on disk, the writer's log included. */
  async bytes(): Promise<number> {
    const sizes = await Promise.all(
      ['', '-wal'].map((suffix) =>
        stat(this.#path + suffix).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    return sizes.reduce((total, size) => total + size, 0);
  }

  #started<T>(part: T | undefined): T {
    if (part === undefined) throw new GatewayError('unavailable', 'the store is not open');
    return part;
  }

  /** A call of the writer met it. What takes readings and changes cannot go on; the rest can, and is told of. */
  async #metDamage(call: WriterCallName, error: GatewayError): Promise<void> {
    if (UPKEEP_CALLS.includes(call)) this.#tellDamage(error);
    else if (!this.#isBroken) {
      this.#isBroken = true;
      this.#parts.onFault(await this.#setAside(error));
    }
  }

  #tellDamage(error: GatewayError): void {
    const next = 'restore a backup, or stop gate, move gate.db away and start it again';
    this.#parts.onDamage?.(`${error.message}; gate goes on as far as it can. Next: ${next}`);
  }

  /** @throws what `work` throws, damage as storeCorrupt */
  #reading<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const failure = storeError(error, this.#path);
      if (failure.code === 'storeCorrupt') this.#tellDamage(failure);
      throw failure;
    }
  }

  async #setAside(error: GatewayError): Promise<GatewayError> {
    const { setAside } = await import('./damage/damaged-store.ts');
    const checked = (path: string) => {
      const database = openForReading(path);
      try {
        demandReadable(database);
      } finally {
        database.close();
      }
    };
    return setAside(this.#path, { error, now: this.#parts.now(), demandReadable: checked });
  }
}
