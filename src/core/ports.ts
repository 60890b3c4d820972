/**
 * The ports: what the core needs from the outer rooms. store, broker and supervisor implement them;
 * none of those rooms knows another.
 */
import type { Manifest } from '../contract/manifest.ts';
import type { ConfigMessage } from '../contract/messages.ts';
import type { ClientRecord } from '../model/client.ts';
import type { Availability, Device } from '../model/device.ts';
import type {
  HistoryBucket,
  HistoryBucketsRequest,
  HistoryOutcome,
  HistoryValues,
  HistoryValuesRequest,
} from '../model/history.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { Notification } from '../model/notification.ts';
import type { Operation } from '../model/operation.ts';
import type { InstalledProtocol, PinnedImage } from '../model/protocol.ts';
import type {
  ClockStretch,
  NewReading,
  ReadingPage,
  ReadingPageQuery,
  StoredReading,
} from '../model/reading.ts';
import type { RelayItem, SeqRange } from '../model/relay.ts';
import type { RepeatRecord } from '../model/repeat.ts';
import type { AddonPackage } from './protocols/addon-package.ts';

/** Readings on disk. */
export interface ReadingStore {
  /**
   * Resolves once the reading is on disk: true when it is new, false when the id was a repeat. Waits while the
   * store is busy or the disk is full; rejects only when the store is closed or broken.
   */
  append(addon: string, reading: NewReading): Promise<boolean>;
  page(query: ReadingPageQuery): ReadingPage;
}

/** What of the readings goes to the cloud, by its number there. */
export interface RelayStore {
  /** The last number that was given; 0 where there is none. */
  relayHead(): number;
  /** What the cloud has not acknowledged, as it was noted before the last start: in order, apart, the last without end. */
  relayPending(): SeqRange[];
  /** What has the numbers from `first` to `last`, in their order; to be read to its end, or left, at once. */
  relayItems(first: number, last: number): Iterable<RelayItem>;
  /**
   * What the cloud has not acknowledged by now. On disk with a commit of readings, at the latest after a minute: after a power cut
   * in between it is there as it was before, so that something is sent again and nothing is left out.
   */
  noteRelayed(pending: readonly SeqRange[]): void;
  /** How much that is, and when the oldest of it was measured, in milliseconds since 1970. */
  relayBacklog(): { readings: number; sinceMs?: number };
}

/** A clock at one moment: it said `offsetMs` when the run `boot` of the box began, in milliseconds since 1970. */
export interface ClockOffset {
  boot: string;
  offsetMs: number;
}

/** What the store knows of clocks. */
export interface ClockRecord {
  /**
   * The clock when it was right for the last time, and what it said then; `agesMs`: by what readings grew old then,
   * where it had leapt ahead.
   */
  right?: (ClockOffset & { seenMs: number; agesMs?: number | undefined }) | undefined;
  /** The times of the latest readings stored, newest first; of those that are sure. */
  latestMs: readonly number[];
  /** In order; `shiftMs` where it is known by how much its readings were, or are being, moved. */
  stretches: readonly (ClockStretch & { shiftMs?: number | undefined })[];
}

/** What came of dating readings anew. */
export interface Redated {
  /** How many were put right, or as near as can be said. */
  count: number;
  /** Of these, how many are of a run of the box whose clock was never right. */
  estimated: number;
}

/** Readings that were stored while the clock could not be right. */
export interface ClockStore {
  clockRecord(): ClockRecord;
  /** The clock is right now: on disk with a commit of readings. */
  noteClock(right: ClockOffset & { seenMs: number; agesMs?: number | undefined }): void;
  /**
   * Moves all readings of unsure times by what the clock was wrong, now that it is right. Resolves when that is on disk;
   * waits while the disk is full. What was decided is finished after a kill, by calling it again.
   */
  redate(right: ClockOffset): Promise<Redated>;
}

/** The same readings by attribute. Long walks do not hold up the event loop, and are given up after a while. */
export interface HistoryStore {
  /** @throws GatewayError badRequest for more attributes than an answer has; unavailable when it takes too long */
  historyValues(request: HistoryValuesRequest): Promise<HistoryOutcome<HistoryValues>>;
  /** @throws GatewayError badRequest also for an interval that gives too many buckets */
  historyBuckets(request: HistoryBucketsRequest): Promise<HistoryOutcome<readonly HistoryBucket[]>>;
}

/** Who hears of each commit. Called before `append` resolves. */
export type CommitListener = (readings: readonly StoredReading[]) => void;

/** What must survive besides readings. Each write resolves once it is on disk. */
export interface Registry {
  devices(): Device[];
  saveDevice(device: Device): Promise<void>;
  /** Removes the device and, in the background, its readings. */
  removeDevice(deviceId: string): Promise<void>;
  protocols(): InstalledProtocol[];
  saveProtocol(protocol: InstalledProtocol): Promise<void>;
  removeProtocol(slug: string): Promise<void>;
  /** A value made once and kept for ever: returns the one on disk, or stores `make()`. */
  keep(key: string, make: () => string): Promise<string>;
  /** A value that `keep` stored, or undefined. */
  kept(key: string): string | undefined;
}

/** Notifications on disk: the newest `NOTIFICATIONS_KEPT_MAX`. */
export interface NotificationStore {
  /** Oldest first. */
  notifications(): Notification[];
  /** One that is there already is not kept twice. Rejects when the disk does not take them. */
  saveNotifications(notifications: readonly Notification[]): Promise<void>;
}

/** The API's clients. Each write resolves once it is on disk. */
export interface ClientStore {
  clients(): ClientRecord[];
  saveClient(client: ClientRecord): Promise<void>;
  removeClient(clientId: string): Promise<void>;
}

/** Where the first client's id and secret are told to whoever may read the data folder. */
export interface FirstClientNote {
  write(credentials: JsonObject): Promise<void>;
  exists(): Promise<boolean>;
  remove(): Promise<void>;
}

/** Status requests and their results, until their `ttl`. May be lost in a power cut. */
export interface OperationStore {
  save(operation: Operation): Promise<void>;
  find(id: string): Promise<Operation | undefined>;
  pending(): Promise<Operation[]>;
  count(): Promise<number>;
}

/** Calls under a key of their caller's, over a restart. May be lost in a power cut. */
export interface RepeatStore {
  all(): Promise<RepeatRecord[]>;
  /** Takes the place of what was there under its key. */
  save(record: RepeatRecord): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Last known availability of devices: may be lost in a power cut and is told again. */
export interface AvailabilityStore {
  all(): ReadonlyMap<string, Availability>;
  save(deviceId: string, availability: Availability): void;
  remove(deviceId: string): void;
}

export interface AddonRequest {
  method: string;
  deviceId?: string | undefined;
  params: JsonObject;
  /** How long the result is waited for. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** The way to add-ons. */
export interface AddonLink {
  /**
   * Sends a request and waits for its one result.
   * @throws GatewayError addonUnavailable (not connected, or gone meanwhile), deviceTimeout (no result in
   * time or aborted), deviceRefused (the add-on's own error, its code kept in the message's hint)
   */
  request(slug: string, request: AddonRequest): Promise<JsonValue>;
  /** Publishes an add-on's configuration, retained: it also reaches the add-on when it connects later. */
  configure(slug: string, config: ConfigMessage): void;
}

/** What an add-on needs to log in at the broker. */
export interface AddonLogin {
  /** `mqtt://host:port` */
  brokerUrl: string;
  /** The add-on's slug: user name and MQTT client id. */
  addon: string;
  /** Made for one run of the add-on; never logged. */
  token: string;
}

export interface AddonCredentials {
  /** Where add-ons find the broker: `mqtt://host:port`. */
  readonly brokerUrl: string;
  /** A new token for `slug`; the one before is void and its connection is ended. */
  issue(slug: string): AddonLogin;
  /** Lets the token in that a container holds since an earlier run of the daemon; the one issued meanwhile is void. */
  readmit(slug: string, token: string): void;
  /** Voids the token and ends the connection. */
  revoke(slug: string): void;
}

/** The broker's further door: where containers reach it. */
export interface BrokerDoor {
  /**
   * Listens on this address of the box too, for callers out of `subnet` alone (`172.18.0.0/16`). Once for each address.
   * @returns `mqtt://host:port`
   * @throws GatewayError portTaken
   */
  openDoor(place: { address: string; subnet: string }): Promise<string>;
  /** What `openDoor` of this address answers, be it open or not. */
  doorUrl(address: string): string;
  closeDoor(): void;
}

/** Who may log in at the broker although gate did not start it. */
export interface ExternalLoginCheck {
  /** Never rejects: false where it cannot tell. */
  admits(slug: string, token: string): Promise<boolean>;
}

/** How an update of gate ended: `failure` says why it stayed with `from`. */
export interface ReleaseOutcome {
  id: string;
  from: string;
  /** Empty where it never came to be known. */
  version: string;
  failure?: string | undefined;
  /** Milliseconds since 1970. */
  ts: number;
}

/** An update that the updater has in hand. */
export interface ReleaseState {
  phase: string;
  from: string;
  /** The version that was asked for, where one was. */
  wanted?: string | undefined;
  /** Where it is known already. */
  to?: string | undefined;
  /** Why it goes back. */
  failure?: string | undefined;
}

/** The way to the updater, which puts releases of gate in place. */
export interface ReleaseDesk {
  /** Resolves when the updater has it. @throws GatewayError unavailable, forbidden, conflict, notFound, tooLarge */
  fetchAndAsk(
    release: { version: string } | { url: string },
    onProgress?: (bytes: number, total: number | undefined) => void,
  ): Promise<void>;
  /** A release that was sent: it is taken away from `path`, with what lies beside it. @throws GatewayError unavailable, conflict, badRequest */
  ask(path: string): Promise<void>;
  /** The one under way; `waiting` until the updater has taken the request. */
  state(): ReleaseState | 'waiting' | undefined;
  /** How the last one ended. */
  outcome(): ReleaseOutcome | undefined;
  /** An end that `markTold` was not called for yet. */
  untold(): ReleaseOutcome | undefined;
  markTold(outcome: ReleaseOutcome): void;
}

/** A file that was sent for an add-on. */
export interface Upload {
  /** Its name in the folder `uploads` of the add-on's data folder: letters, digits, `_` and `-`. */
  file: string;
  bytes: number;
}

/** Files for add-ons that gate runs, for a while. */
export interface AddonUploads {
  /**
   * For the process of an add-on, or for its container. Resolves once it is there whole. @throws GatewayError tooLarge,
   * tooManyRequests (one of this add-on is on its way), unavailable (no room on the disk), storeFailed; what `bytes` throws
   */
  keep(slug: string, bytes: AsyncIterable<Buffer>, reader: 'process' | 'container'): Promise<Upload>;
}

/** Add-ons on disk: the folders of `DATA_FOLDER/addons`, and copies of what ran. */
export interface AddonShelf {
  /** Reads an add-on's folder anew. @throws GatewayError conflict saying what is wrong with it */
  read(addon: AddonPackage): Promise<AddonPackage>;
  /**
   * Puts a manifest where add-ons of others lie.
   * @throws GatewayError badRequest (its entry or its types are not there), conflict (another manifest is)
   */
  add(manifest: Manifest): Promise<AddonPackage>;
  /** @throws GatewayError forbidden for one of gate's own */
  demandForeign(addon: AddonPackage): void;
  /** Takes the manifest away again; the add-on's own files stay. */
  drop(addon: AddonPackage): Promise<void>;
  /** Keeps a copy of an add-on that runs well, to go back to. Nothing happens for gate's own and where it is kept. */
  keep(addon: AddonPackage): Promise<void>;
  /** Puts the kept copy in place of what lies in the folder, which is set aside; undefined where none is kept. */
  restore(addon: AddonPackage): Promise<{ addon: AddonPackage; aside: string } | undefined>;
  /** Lets go of the copy. */
  forget(slug: string): Promise<void>;
}

/** How far an image has come. Bytes are those of what is fetched, as far as the engine knows them yet. */
export interface ImageProgress {
  layers: number;
  layersDone: number;
  bytes: number;
  totalBytes: number;
}

export interface FetchOptions {
  onProgress: (progress: ImageProgress) => void;
  signal: AbortSignal;
  /** Not tried again: something else is done when it fails. */
  once?: boolean;
}

export interface FetchedImage {
  image: PinnedImage;
  /** What the engine said of it. */
  said: string[];
  /** It was not here before. */
  isNew: boolean;
}

/** Where an add-on that is installed now shall run. */
export interface RuntimeChoice {
  kind: 'process' | 'container';
  /** Of a container: the image that is fetched. */
  image?: string;
  /** For people: why. */
  reason: string;
  /** Where a container does not come about, a process does as well. */
  mayFallBack: boolean;
}

/** What goes with an add-on besides its containers. */
export interface ContainerRemoval {
  data: boolean;
  images: readonly PinnedImage[];
}

/** The container engine, as far as installing needs it. */
export interface AddonContainers {
  /**
   * `image`: that very one, and no process. @throws GatewayError conflict (nothing that it could run in), forbidden (its
   * image is not allowed)
   */
  choose(addon: AddonPackage, image?: string): Promise<RuntimeChoice>;
  /** @throws GatewayError forbidden */
  demandAllowed(imageName: string): void;
  /** Fetches an image, or finds that it is here. @throws GatewayError addonUnavailable saying why it cannot be had */
  fetch(imageName: string, options: FetchOptions): Promise<FetchedImage>;
  /** Whether there are data of this add-on. */
  hasData(slug: string): Promise<boolean>;
  /** What is to go with an add-on, on disk: from then on a crash leaves nothing of it. Adds to what is noted already. */
  noteRemoval(slug: string, removal: ContainerRemoval): Promise<void>;
  /** What is noted is not to go: its add-on is installed. */
  voidRemoval(slug: string): Promise<void>;
  /**
   * Removes what is noted: its containers, the network with the last of all, its data where that was asked, its images
   * but those in `imagesInUse`. Nothing happens where nothing is noted.
   */
  finishRemoval(slug: string, imagesInUse: ReadonlySet<string>): Promise<void>;
  /** Removes the containers that a tried or replaced version has left. */
  keepOnly(slug: string, images: readonly PinnedImage[]): Promise<void>;
  /** Deletes an image that nobody uses. */
  dropImage(image: PinnedImage): Promise<void>;
}
