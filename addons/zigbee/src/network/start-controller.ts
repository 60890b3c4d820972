/**
 * Starts the library on a stick with our network. What it would decide by itself about the stick is asked for leave first
 * (stick-guard.ts); its database, its backups, its logs and its handlers of frames are put under our rules.
 */
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AddonLog } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { type Guard, guardFor, installEmberGuard, installGuards } from '../stick/stick-guard.ts';
import { askAddressesBriefly } from './address-question.ts';
import { awaitAnswersBriefly } from './brief-answers.ts';
import { closeController } from './controller-care.ts';
import {
  forgetHalfCoordinator,
  makeDatabaseDurable,
  mendDatabase,
  pairedDevicesIn,
} from './device-database.ts';
import { guardLibraryEvents } from './library-events.ts';
import { libraryLog } from './library-log.ts';
import type { NetworkIdentity } from './network-identity.ts';
import type { RadioSettings } from './radio-settings.ts';
import { goOnAheadOfBackups } from './restored-counter.ts';
import { mendBackup } from './stored-backup.ts';
import type { TakeOver } from './take-over.ts';
import { tendTrustCentre } from './trust-centre.ts';

export const DATABASE_NAME = 'database.db';
export const BACKUP_NAME = 'coordinator-backup.json';

export interface StartParts {
  /** The add-on's own folder. */
  folder: string;
  log: AddonLog;
  settings: RadioSettings;
  /** Where the stick is just now. */
  path: string;
  identity: NetworkIdentity;
  /** What the stick holds may be lost, once it is saved. */
  takeOver: TakeOver | undefined;
}

export interface StartedNetwork {
  controller: Controller;
  /** The channel that the network works on. */
  channel: number;
}

/** @throws RadioTrouble of the guard; what the library says when the stick does not start. Nothing stays open then */
export async function startController(parts: StartParts): Promise<StartedNetwork> {
  const { folder, log } = parts;
  const databasePath = join(folder, DATABASE_NAME);
  const backupPath = join(folder, BACKUP_NAME);
  await prepareLibrary(parts);
  for (const mended of [mendDatabase(databasePath), mendBackup(backupPath)]) if (mended) log.error(mended);
  forgetHalfCoordinator(databasePath);
  const controller = await buildController(parts, { databasePath, backupPath });
  guardLibraryEvents(controller, log);
  try {
    const result = await controller.start();
    if (result !== 'resumed')
      log.info(`the network was ${result === 'reset' ? 'made anew on' : 'restored to'} the stick`);
    if (parts.settings.adapter === 'ember') await tendTrustCentre(controller, log);
    const { channel } = await controller.getNetworkParameters();
    askAddressesBriefly(controller);
    awaitAnswersBriefly(controller);
    // its own backups go on a timer and at each stop: ours are made when they are wanted (network-backup.ts)
    (controller as unknown as { options: { backupPath: string } }).options.backupPath = '';
    if (existsSync(backupPath)) chmodSync(backupPath, 0o600);
    return { controller, channel };
  } catch (error) {
    await closeController(controller, log);
    throw error;
  }
}

async function prepareLibrary({ settings, log }: StartParts): Promise<void> {
  const { setLogger } = await import('zigbee-herdsman');
  setLogger(libraryLog(log));
  installGuards();
  if (settings.adapter === 'ember') installEmberGuard();
  goOnAheadOfBackups(settings.adapter);
  makeDatabaseDurable((error) => log.error(`the database of devices could not be written: ${error.message}`));
}

async function buildController(
  { settings, path, identity, takeOver }: StartParts,
  files: { databasePath: string; backupPath: string },
): Promise<Controller> {
  const { Controller: LibraryController } = await import('zigbee-herdsman');
  const formed = identity.formedAt !== undefined;
  const channelList = [formed ? identity.channel : settings.channel];
  const hasDevices = pairedDevicesIn(files.databasePath) > 0;
  const ask = guardFor({ formed, hasDevices, overwrite: takeOver !== undefined });
  const guard: Guard = async (found, read) => {
    ask(found);
    if (!found.holds) return;
    if (found.intent !== 'resume') await takeOver?.save(read);
    // a network that goes on stays where it is, whatever the settings say: a move is asked for by name
    else if (identity.movedTo === undefined) channelList[0] = found.holds.channel;
  };
  const { adapter, baudRate, rtscts = false, transmitPower } = settings;
  return new LibraryController({
    network: {
      panID: identity.panId,
      extendedPanID: [...Buffer.from(identity.extendedPanId, 'hex')],
      networkKey: [...Buffer.from(identity.networkKey, 'hex')],
      channelList,
    },
    transport: { path, adapter, ...(baudRate === undefined ? {} : { baudRate }), rtscts },
    databasePath: files.databasePath,
    databaseBackupPath: `${files.databasePath}.reset`,
    backupPath: files.backupPath,
    adapter: {
      disableLED: false,
      ...(transmitPower === undefined ? {} : { transmitPower }),
      ...{ guard },
    },
    // whoever is let in is taken; a handler that says so would put the new address off behind the next frame
    acceptJoiningDeviceHandler: undefined as never,
  });
}
