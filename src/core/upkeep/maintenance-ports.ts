/** What the maintenance of the gateway needs from the outer rooms: backups, their return, what is sent for either. */
import type { Readable } from 'node:stream';

/** How far long work has come; bytes where they are known. */
export interface WorkProgress {
  phase: string;
  bytes?: number;
  totalBytes?: number;
}

export interface WorkOptions {
  onProgress: (progress: WorkProgress) => void;
  signal: AbortSignal;
}

/** Whom a backup is encrypted to. */
export type BackupSeal = { passphrase: string } | { recipient: string };
/** What opens it. */
export type BackupKey = { passphrase: string } | { identity: string };

export interface TakenBackup {
  /** Of the encrypted file. */
  bytes: number;
  /** How many there are in it. */
  files: number;
  readings: boolean;
  /** Milliseconds since 1970. */
  takenAt: number;
}

/** Takes backups, and keeps the last one until it is fetched. */
export interface BackupMaker {
  /** @throws GatewayError saying why there is none; nothing is left of it then */
  take(wish: { seal: BackupSeal; readings: boolean }, options: WorkOptions): Promise<TakenBackup>;
  /** The one that is there, also from before a restart. */
  kept(): Promise<TakenBackup | undefined>;
  /** Its bytes. @throws GatewayError notFound */
  read(): Promise<Readable>;
  drop(): Promise<void>;
}

/** What a backup says of itself. */
export interface BackupFacts {
  /** Of the gate that made it. */
  version: string;
  /** Milliseconds since 1970. */
  takenAt: number;
  readings: boolean;
  /** How many there are in it. */
  files: number;
}

export interface RestoreOutcome extends BackupFacts {
  /** When it took its place; milliseconds since 1970. */
  ts: number;
  /** The folder, in the data folder and in that of the settings, where what was there lies now. */
  aside: string;
}

/** Puts a backup in the place of the gateway: checked while it runs, put in place between two runs. */
export interface RestoreDesk {
  /** Unpacks and checks it, and changes nothing. @throws GatewayError saying why it is not taken */
  check(file: string, key: BackupKey, options: WorkOptions): Promise<BackupFacts>;
  /** What was checked and waits, also since before a restart. */
  checked(): Promise<BackupFacts | undefined>;
  /** From now on the next start of the gateway puts it in place. On disk when it resolves. @throws GatewayError conflict */
  order(): Promise<void>;
  /** How the last one ended. */
  outcome(): Promise<(RestoreOutcome & { told: boolean }) | undefined>;
  markTold(): Promise<void>;
  drop(): Promise<void>;
}

/** What callers may send, each under its name. */
export const RECEIVED_FILES = [
  'backup.age',
  'release.tar.gz',
  'release.tar.gz.sha256',
  'release.tar.gz.sig',
] as const;
export type ReceivedName = (typeof RECEIVED_FILES)[number];

/** One piece of a file: where it begins, and its bytes. */
export interface Piece {
  offset: number;
  bytes: AsyncIterable<Buffer>;
}

/** Large files that come in pieces, one after the other. */
export interface ReceivedFiles {
  /**
   * Takes a piece. `offset` 0 begins anew. @returns how many bytes there are now
   * @throws GatewayError conflict (the piece does not go on where the file ends), tooLarge, tooManyRequests (another
   * piece is on its way), unavailable (no room on the disk), storeFailed; what `bytes` throws
   */
  append(name: ReceivedName, piece: Piece): Promise<number>;
  /** How many bytes have come; 0 where there is nothing. */
  size(name: ReceivedName): Promise<number>;
  path(name: ReceivedName): string;
  drop(names: readonly ReceivedName[]): Promise<void>;
}

/** A serial port of the box, as a person knows it. */
export interface SerialPort {
  /** What lasts: in `/dev/serial/by-id` where there is such a name. */
  path: string;
  /** The kernel's name at present. */
  device: string;
  /** Maker and product, where the port tells them. */
  name?: string;
}

export interface SerialPorts {
  list(): Promise<SerialPort[]>;
}
