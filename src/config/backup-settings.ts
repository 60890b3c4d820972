/** What the settings say about backups, taken together. */
import { GatewayError } from '../model/error.ts';
import type { Settings } from './settings.ts';

export interface BackupSettings {
  folder: string;
  recipient: string;
  everyHours: number;
  keep: number;
  readings: boolean;
}

/** Undefined where none are taken. @throws GatewayError badSetting */
export function backupSettings(settings: Settings): BackupSettings | undefined {
  const { BACKUP_FOLDER: folder, BACKUP_RECIPIENT: recipient } = settings;
  if (folder === undefined && recipient === undefined) return undefined;
  if (folder === undefined || recipient === undefined) {
    const [given, missing] =
      folder === undefined ? ['BACKUP_RECIPIENT', 'BACKUP_FOLDER'] : ['BACKUP_FOLDER', 'BACKUP_RECIPIENT'];
    throw new GatewayError('badSetting', `${given} is set, but ${missing} is not`, {
      hint: 'backups need both: where they go, and whom they are encrypted to',
    });
  }
  return {
    folder,
    recipient,
    everyHours: settings.BACKUP_EVERY_HOURS,
    keep: settings.BACKUP_KEEP,
    readings: settings.BACKUP_READINGS,
  };
}
