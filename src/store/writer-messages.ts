/** What the daemon's main thread and the writer thread say to each other. */
import type { ClockOffset } from '../core/ports.ts';
import type { ClientRecord } from '../model/client.ts';
import type { Device } from '../model/device.ts';
import type { JsonObject } from '../model/json.ts';
import type { Notification } from '../model/notification.ts';
import type { InstalledProtocol } from '../model/protocol.ts';
import type { ClockStretch } from '../model/reading.ts';
import type { SeqRange } from '../model/relay.ts';

/** What the thread is started with. */
export interface WriterData {
  path: string;
  /** Readings get numbers for the cloud. */
  relaying: boolean;
}

/** The clock when it was right, and what it said then. */
export interface RightClock extends ClockOffset {
  seenMs: number;
  /** By what readings grow old meanwhile, where the clock has leapt ahead and may be wrong. */
  agesMs?: number | undefined;
}

/** One reading on its way to disk. */
export interface QueuedReading {
  addon: string;
  deviceId: string;
  id: string;
  ts: number;
  data: JsonObject;
  stretch?: ClockStretch | undefined;
}

/** What one step of dating anew came to; `more`: call again. */
export interface RedateStep {
  moved: number;
  estimated: number;
  more: boolean;
}

export interface RetentionLimits {
  /** Readings measured before this are deleted; milliseconds since 1970, a whole hour. */
  beforeMs: number;
  maxBytes: number;
}

export interface RetentionStep {
  deletedByAge: number;
  deletedBySize: number;
  /** How many of these the cloud had not got. */
  notRelayed: number;
  /** There is more to delete: call again. */
  more: boolean;
}

/** Each call by name, with its argument and its answer. */
export interface WriterCalls {
  /** Answers for each reading its number, or 0 for a repeat. */
  commit: { argument: QueuedReading[]; answer: number[] };
  saveDevice: { argument: Device; answer: null };
  removeDevice: { argument: string; answer: null };
  saveProtocol: { argument: InstalledProtocol; answer: null };
  removeProtocol: { argument: string; answer: null };
  saveNotifications: { argument: readonly Notification[]; answer: null };
  saveClient: { argument: ClientRecord; answer: null };
  removeClient: { argument: string; answer: null };
  keep: { argument: { key: string; value: string }; answer: string };
  /** Answers when its turn has come. */
  getOn: { argument: null; answer: null };
  retain: { argument: RetentionLimits; answer: RetentionStep };
  /** A part of a round of packing; answers whether it goes on: call again. With `mend`, loosened packs are made anew. */
  pack: { argument: { mend: boolean }; answer: boolean };
  /** What the cloud has not acknowledged: written with the next commit, or by `saveRelayed`. */
  noteRelayed: { argument: readonly SeqRange[]; answer: null };
  saveRelayed: { argument: null; answer: null };
  /** The clock is right: written with the next commit. */
  noteClock: { argument: RightClock; answer: null };
  /** Readings of unsure times are moved, some of them; with the clock that is right it is decided by how much first. */
  redate: { argument: ClockOffset | null; answer: RedateStep };
  close: { argument: null; answer: null };
}
export type WriterCallName = keyof WriterCalls;

export interface WriterRequest<K extends WriterCallName = WriterCallName> {
  id: number;
  call: K;
  argument: WriterCalls[K]['argument'];
}

export interface WriterFailure {
  code: 'storeCorrupt' | 'storeNewer' | 'storeFailed';
  message: string;
  hint?: string | undefined;
  /** Set when the same call may succeed later: what a person should know. */
  passing?: string | undefined;
}

export type WriterReply =
  | { id: number; answer: WriterCalls[WriterCallName]['answer'] }
  | { id: number; failure: WriterFailure };

/** The thread's first message: it is ready, or it could not start. */
export type WriterGreeting = { ready: { epoch: string } } | { failure: WriterFailure };
