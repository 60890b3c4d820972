/**
 * The composition root: builds every part, starts them in order, stops them in reverse. Nothing outside this folder
 * constructs parts, and nothing is patched on later.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Api } from '../api/server.ts';
import { finishOrderedRestore, restorePlaces } from '../backup/ordered-restore.ts';
import { refuseUnfinished } from '../backup/unfinished.ts';
import { type BackupSettings, backupSettings } from '../config/backup-settings.ts';
import { CERTIFICATE_FILE } from '../config/cloud-settings.ts';
import { type TlsSettings, tlsSettings } from '../config/tls-settings.ts';
import { startAddons } from './addons.ts';
import { type GatewayParts, type Ground, layGround, logEvents } from './ground.ts';
import { startHouse } from './house.ts';
import { startApi } from './local-api.ts';
import { startMaintenance } from './maintenance.ts';
import { startService } from './service.ts';

export type { GatewayParts } from './ground.ts';

/**
 * What a restore has ordered for this start takes its place, before anything is opened. @returns whether there was one
 * @throws GatewayError alreadyRunning; what the file system says
 */
export async function finishRestore(folders: { dataFolder: string; configFolder: string }): Promise<boolean> {
  if (!existsSync(restorePlaces(folders.dataFolder).order)) return false;
  await Api.ensureAlone(join(folders.dataFolder, 'gate.sock'));
  return finishOrderedRestore(folders, Date.now());
}

export class Gateway {
  readonly #ground: Ground;
  #api: Api | undefined;

  constructor(parts: GatewayParts) {
    this.#ground = layGround(parts);
  }

  /** Where the API answers on the LAN, once started; undefined when it is not served there. */
  get address(): { bind: string; port: number; tls: boolean } | undefined {
    return this.#api?.address();
  }

  /**
   * Resolves once the API answers. Add-ons are still starting then.
   * @throws GatewayError alreadyRunning, portTaken, badSetting, storeCorrupt, storeNewer, storeFailed; what was
   * started before is stopped again
   */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops everything in reverse: intake first, stores last. Idempotent. */
  stop(): Promise<void> {
    return this.#ground.running.stop();
  }

  async #start(): Promise<void> {
    const ground = this.#ground;
    // refused before anything is opened
    const tls = tlsSettings(ground.settings);
    const backups = backupSettings(ground.settings);
    const socketPath = join(ground.dataFolder, 'gate.sock');
    logEvents(ground);
    await Api.ensureAlone(socketPath);
    refuseUnfinished(ground.dataFolder);
    const house = await startHouse(ground);
    const certificate = await this.#startCertificate(tls);
    const addons = await startAddons(ground, house);
    const maintenance = await startMaintenance(ground);
    const { updates } = maintenance;
    this.#api = await startApi(ground, { ...house, ...addons, ...maintenance, certificate, socketPath });
    if (ground.cloud) {
      // a gateway that stands alone does not carry it
      const { startCloud } = await import('./cloud.ts');
      await startCloud(ground, ground.cloud, { ...house, ...addons, updates });
    } else this.#sayAlone();
    await this.#startBackups(backups);
    await startService(ground, { ...house, ...addons, updates });
  }

  /** Where somebody meant it to have a cloud. */
  #sayAlone(): void {
    const { settings, health, logger } = this.#ground;
    if (settings.HOST === undefined) return;
    const path = join(settings.CONFIG_FOLDER, CERTIFICATE_FILE);
    const reason = `HOST is set, but ${path} is missing: the gateway stands alone until it is started with it`;
    logger.warn(reason);
    health.report('cloud', 'stopped', reason);
  }

  /** Backups are for those who say where to. */
  async #startBackups(schedule: BackupSettings | undefined): Promise<void> {
    if (!schedule) return;
    const { ScheduledBackups } = await import('../backup/scheduled-backups.ts');
    await this.#ground.running.run(new ScheduledBackups({ ...this.#ground, schedule, random: Math.random }));
  }

  /** Most gateways speak no TLS: what it takes is loaded here. @throws GatewayError badSetting */
  async #startCertificate(tls: TlsSettings) {
    if (tls.kind === 'off' || !this.#ground.settings.ON_PREMISE_ENABLED) return undefined;
    const { startCertificate } = await import('./certificate.ts');
    return startCertificate(this.#ground, tls);
  }
}
