/** Everything that has happened, by name: the one typed map through which the outer rooms hear of it. */
import type { EventBus } from '../lib/event-bus.ts';
import type { LogLine } from '../lib/log-ring.ts';
import type { Device } from '../model/device.ts';
import type { PartState } from '../model/health.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { Notification } from '../model/notification.ts';
import type { Operation } from '../model/operation.ts';
import type { StoredReading } from '../model/reading.ts';
import type { ImageProgress, Redated } from './ports.ts';
import type { RestoreOutcome } from './upkeep/maintenance-ports.ts';
import type { BackupView, RestoreView, UpdateView } from './upkeep/maintenance-views.ts';

/** How long a certificate counts still. */
export interface CertificateFacts {
  /** Whose it is, in words: `the API`. */
  owner: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  /** Until then; negative when it has expired. */
  leftMs: number;
  /** What a person does to have a new one. */
  remedy: string;
}

/** What an add-on tells of a pairing before it ends. */
export const PAIRING_STEPS = ['joined', 'interviewing', 'configuring', 'configured'] as const;
export type PairingStep = (typeof PAIRING_STEPS)[number];

type AddonSaidState = 'starting' | 'running' | 'degraded' | 'stopped';

export interface GatewayEvents {
  /** One commit's readings, in the order they were stored. They are on disk. */
  readingsRecorded: readonly StoredReading[];
  /** The clock of the box is right, and what was stored before has been dated anew. */
  readingsRedated: Redated;
  /** Somebody set the clock of the box while it ran, by so much; `isRight`: to what it may be. */
  clockSet: { byMs: number; isRight: boolean };
  deviceAdded: { device: Device };
  deviceChanged: { device: Device };
  deviceRemoved: { device: Device };
  /** A device that was deleted did not leave its network by itself. */
  deviceForcedOut: { device: Device; reason: string };
  /** A device began or ended a pairing: `device.status` says which. */
  devicePairingChanged: { device: Device };
  /** A device that is being paired has come a step further; `details` is what its add-on says of it. */
  pairingStepped: { deviceId: string; step: PairingStep; details: JsonObject; ts: number };
  availabilityChanged: { deviceId: string; online: boolean; reason?: string | undefined; ts: number };
  /** A device answered a status request: `operation` is the one whose result this is. */
  deviceAnswered: {
    deviceId: string;
    payload: JsonValue;
    ts: number;
    operation?: Pick<Operation, 'id' | 'ttl'> | undefined;
  };
  /** The desired set of add-ons, or one's parameters, changed. */
  protocolsChanged: { slug: string };
  /** An add-on's own word: progress of a pairing, a link up or down, a device that left. */
  addonEventReported: { slug: string; type: string; deviceId?: string | undefined; details: JsonObject };
  /** What an add-on has heard on its bus while somebody watches it; `leftOut` were too many to be told. */
  busTelegramsHeard: { slug: string; telegrams: readonly JsonObject[]; leftOut: number; ts: number };
  /** An add-on has logged in at the broker, or its connection ended. */
  addonConnected: { slug: string };
  addonDisconnected: { slug: string };
  /**
   * A log-in was refused. `clientId` only where there is such a client: what is none may be a secret in the wrong
   * place. `failures`: how many there were within a minute, from this address or for this id.
   */
  logInFailed: { address: string; clientId?: string | undefined; failures: number };
  /** What an add-on said of itself. */
  addonStateReported: { slug: string; state: AddonSaidState; reason?: string | undefined };
  /** gate starts an add-on. */
  addonRunBegan: { slug: string };
  /** A run of an add-on ended by itself. */
  addonRunEnded: { slug: string; code: number | null; signal: string | null };
  /** An add-on that shall not run any more is gone. */
  addonStopped: { slug: string };
  /** A step of an installation, an update or a removal: `reason` says what is done or why. */
  installationChanged: {
    slug: string;
    protocolId: string;
    status: 'notInstalled' | 'installing' | 'installed' | 'updating' | 'removing' | 'failed';
    reason: string;
    /** How far its image has come. */
    progress?: ImageProgress | undefined;
    ts: number;
  };
  /** An installation or an update has ended. `stdout` and `stderr`: the last of what the add-on wrote meanwhile. */
  installationEnded: {
    slug: string;
    protocolId: string;
    /** The version that is installed now. */
    version: string;
    /** That it runs as a container of. */
    image?: string;
    /** 0 when it succeeded, else the program's exit code, or 1. */
    exitStatus: number;
    installationSuccess: boolean;
    stdout: string;
    stderr: string;
    ts: number;
  };
  /** The link to the cloud was made, or has ended: then `reason` says why, and `byUs` whether the gateway ended it. */
  cloudLinkChanged: { connected: boolean; reason?: string; byUs?: boolean; ts: number };
  /** The gateway proves itself to the cloud with this certificate from now on: SHA-256, `AB:CD:…`. */
  gatewayCertified: { fingerprint: string };
  /** A client of the API has proved its secret. */
  clientLoggedIn: { clientId: string };
  /** The client was removed, or its tokens were: those given out so far are void. */
  clientTokensVoided: { clientId: string };
  /** An update of `gate` or of an add-on (its slug) to `version` ended; `failure` says why it did not work. */
  updateEnded: { of: string; version: string; failure?: string | undefined };
  /** Readings were deleted to keep within retention; `notRelayed`: how many of them the cloud had not got. */
  readingsDropped: { count: number; reason: 'age' | 'size'; notRelayed?: number };
  /** A part of the store was found damaged, and gate goes on without it. */
  storeDamaged: { message: string };
  /** An add-on's folder on disk cannot be used. */
  addonLeftOut: { folder: string; reason: string };
  notificationRaised: Notification;
  /** A certificate that the gateway proves itself with was looked at: when it was loaded, and again and again. */
  certificateChecked: CertificateFacts;
  /** What one log (the gateway's or an add-on's) has gained since it was told the last time. */
  logsGathered: { deviceId: string; log: string; lines: readonly LogLine[] };
  /** The same, line by line, soon after it was written. */
  logLinesWritten: { log: string; lines: readonly LogLine[] };
  /** A backup, its return or an update of gate has come further. */
  maintenanceChanged:
    | ({ of: 'backup' } & BackupView)
    | ({ of: 'restore' } & RestoreView)
    | ({ of: 'update' } & UpdateView);
  /** This gateway was put in place from a backup. */
  backupRestored: RestoreOutcome;
  /** A part of the gateway changed its state. */
  healthChanged: { part: string; state: PartState; reason?: string | undefined };
}

export type GatewayEventBus = EventBus<GatewayEvents>;
