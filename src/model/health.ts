/** The state of one part of the gateway, as `/health/ready` shows it. */
export const PART_STATES = ['stopped', 'starting', 'running', 'degraded', 'failed'] as const;
export type PartState = (typeof PART_STATES)[number];

/** What is counted of a part over its life, next to its present state. */
export interface PartFacts {
  /** How often an add-on was started again after it ended or hung. */
  restarts?: number;
  /** Why it ended the last time. */
  lastFailure?: string;
  /** Messages of an add-on or of the cloud that were refused, and what was wrong with the last one. */
  badMessages?: number;
  lastBadMessage?: string;
  /** How often log-ins at the API were limited because too many had failed. */
  limitedLogIns?: number;
  /** Of the file system that the data folder lies on. */
  freeBytes?: number;
  totalBytes?: number;
  /** Of the certificate that is served: its SHA-256 as openssl prints it, and when it expires (ISO 8601). */
  fingerprint?: string;
  validTo?: string;
  /** Of the link to the cloud: readings that have not reached it yet, and when the oldest was stored (ISO 8601). */
  waitingReadings?: number;
  waitingSince?: string | undefined;
}

export interface PartHealth extends PartFacts {
  state: PartState;
  reason?: string;
  /** Milliseconds since 1970 at which this state began. */
  since: number;
}
