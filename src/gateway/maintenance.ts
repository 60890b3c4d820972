/** What callers of the API may have done to the gateway as a whole: backups, their return, updates. */
import { resolve } from 'node:path';
import { BackupByCommand } from '../backup/backup-maker.ts';
import { RestoreDeskOnDisk } from '../backup/restore-desk.ts';
import { loadSettings } from '../config/load.ts';
import { Backups } from '../core/upkeep/backups.ts';
import { Restores } from '../core/upkeep/restores.ts';
import { GatewayError } from '../model/error.ts';
import { ReceivedFilesOnDisk } from '../store/files/received-files.ts';
import { SerialPortsOnDisk } from '../supervisor/serial-ports.ts';
import type { Ground } from './ground.ts';
import { layUpdates } from './service.ts';

export async function startMaintenance(ground: Ground) {
  const { running, events, logger, now, dataFolder, cliPath, nodePath, environment, settings } = ground;
  const received = new ReceivedFilesOnDisk({ dataFolder, now });
  const command = { cliPath, nodePath, environment, dataFolder };
  const backups = new Backups({
    maker: new BackupByCommand(command),
    events,
    now,
    onTrouble: (error) => logger.warn({ err: error }, 'a backup that nobody fetched could not be removed'),
  });
  await running.run(backups);
  const restores = new Restores({
    desk: new RestoreDeskOnDisk({
      ...command,
      configFolder: resolve(settings.CONFIG_FOLDER),
      now,
      checkSettings: (configFolder) =>
        demandSameFolder({ ...environment, CONFIG_FOLDER: configFolder }, dataFolder),
    }),
    received,
    events,
    restart: ground.onRestart,
    now,
  });
  await running.run(restores);
  return {
    backups,
    restores,
    updates: await layUpdates(ground, received),
    serialPorts: new SerialPortsOnDisk(),
  };
}

/** @throws GatewayError badSetting for settings that the gateway would not start with, or not as this one */
function demandSameFolder(environment: Record<string, string | undefined>, dataFolder: string): void {
  const { DATA_FOLDER } = loadSettings(environment);
  if (resolve(DATA_FOLDER) === dataFolder) return;
  throw new GatewayError(
    'badSetting',
    `the settings in the backup have their data in ${DATA_FOLDER}, not here`,
    {
      hint: 'restore it with the gate command, on a box that has this folder',
    },
  );
}
