/** What callers of the API may have done to the gateway as a whole: backups, their return, updates. */
import { resolve } from 'node:path';
import { BackupByCommand } from '../backup/backup-maker.ts';
import { RestoreDeskOnDisk } from '../backup/restore-desk.ts';
import { Backups } from '../core/upkeep/backups.ts';
import { Restores } from '../core/upkeep/restores.ts';
import { ReceivedFilesOnDisk } from '../store/files/received-files.ts';
import { SerialPortsOnDisk } from '../supervisor/serial-ports.ts';
import type { Ground } from './ground.ts';
import { layUpdates } from './service.ts';

export async function startMaintenance(ground: Ground) {
  const { running, events, logger, now, dataFolder, cliPath, nodePath, environment, settings } = ground;
  const received = new ReceivedFilesOnDisk({ dataFolder, now });
  const onDamaged = (words: string) => logger.warn(words);
  const command = { cliPath, nodePath, environment, dataFolder, onDamaged };
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
      checkSettings: (configFolder) => demandRestorable(ground, configFolder),
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

/** What it takes is loaded for a restore alone. @throws GatewayError badSetting */
async function demandRestorable(ground: Ground, configFolder: string): Promise<void> {
  const { demandUsableSettings } = await import('../config/restored-settings.ts');
  const { GivenCertificate } = await import('../api/certificates/given-certificate.ts');
  const loadCertificate = (files: { certificate: string; key: string }) => new GivenCertificate(files).load();
  await demandUsableSettings({ ...ground, loadCertificate }, configFolder);
}
