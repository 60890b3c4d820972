/** How long work of the gateway as a whole stands: what `GET /maintenance/v1` shows, and `maintenanceChanged` tells. */
import type { Reason } from '../../model/error.ts';
import type { BackupFacts, WorkProgress } from './maintenance-ports.ts';

export const BACKUP_STATES = ['none', 'running', 'ready', 'failed'] as const;

export interface BackupView extends Partial<WorkProgress> {
  state: (typeof BACKUP_STATES)[number];
  readings?: boolean;
  files?: number;
  /** Milliseconds since 1970: when it began, was taken, or failed. */
  ts?: number;
  reason?: Reason;
}

export const RESTORE_STATES = [
  'none',
  'receiving',
  'checking',
  'checked',
  'applying',
  'applied',
  'failed',
] as const;

export interface RestoreView extends Partial<WorkProgress>, Partial<BackupFacts> {
  state: (typeof RESTORE_STATES)[number];
  /** Milliseconds since 1970: when it was put in place, or failed. */
  ts?: number;
  aside?: string;
  reason?: Reason;
}

export const UPDATE_STATES = ['idle', 'fetching', 'underWay', 'failed'] as const;

export interface UpdateView extends Partial<WorkProgress> {
  state: (typeof UPDATE_STATES)[number];
  /** The release that is wanted, where it is known. */
  to?: string;
  /** Why it could not be handed to the updater, or goes back. */
  reason?: Reason;
  /** How the last one ended. */
  last?: { from: string; version: string; failure?: string; ts: number };
}
