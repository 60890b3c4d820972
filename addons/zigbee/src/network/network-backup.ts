/**
 * Backups of the coordinator: what another stick needs to go on with the same network, without a device being paired
 * again (the Open Coordinator Backup format). They hold the network key: mode 0600, and shown to nobody. An empty stick
 * is given the newest one when it is started.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AddonError, type AddonLog, type Clock, type JsonObject } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { backupText, type CoordinatorBackup } from './backup-text.ts';
import { writeDurably } from './durable-file.ts';
import { BACKUP_NAME } from './start-controller.ts';

const EVERY_MS = 24 * 3_600_000;
/** Several changes in a row are one backup. */
const AFTER_CHANGE_MS = 5_000;

interface BackupAdapter {
  supportsBackup(): Promise<boolean>;
  backup(addresses: string[]): Promise<CoordinatorBackup>;
}

export class NetworkBackup {
  readonly #path: string;
  readonly #log: AddonLog;
  readonly #clock: Clock;
  #controller: Controller | undefined;
  #cancelNext: (() => void) | undefined;
  #running: Promise<JsonObject> | undefined;

  constructor({ folder, log, clock }: { folder: string; log: AddonLog; clock: Clock }) {
    this.#path = join(folder, BACKUP_NAME);
    this.#log = log;
    this.#clock = clock;
  }

  attach(controller: Controller): void {
    this.#controller = controller;
    const ageMs = existsSync(this.#path) ? this.#clock.now() - statSync(this.#path).mtimeMs : EVERY_MS;
    // one that was made while the clock was ahead is no younger than it says
    this.#schedule(Math.min(EVERY_MS, Math.max(AFTER_CHANGE_MS, EVERY_MS - ageMs)));
  }

  detach(): void {
    this.#controller = undefined;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
  }

  /** Something changed that a new stick would have to know. */
  changed(): void {
    if (this.#controller) this.#schedule(AFTER_CHANGE_MS);
  }

  /** Makes one now; one that is being made is waited for. @throws AddonError */
  make(): Promise<JsonObject> {
    this.#running ??= this.#make().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #make(): Promise<JsonObject> {
    const controller = this.#controller;
    if (!controller) {
      throw new AddonError('coordinatorNotReady', 'the coordinator is not ready, so it cannot be backed up', {
        hint: 'GET /health/ready says why',
      });
    }
    const { adapter } = controller as unknown as { adapter: BackupAdapter };
    if (!(await adapter.supportsBackup())) {
      throw new AddonError('unsupported', 'this coordinator cannot be backed up');
    }
    const backup = await adapter.backup(controller.getDeviceIeeeAddresses());
    writeDurably(this.#path, backupText(backup));
    this.#schedule(EVERY_MS);
    // of an EmberZNet stick it lists none: their keys are made from one that it holds
    const devices = [...controller.getDevicesIterator(({ type }) => type !== 'Coordinator')].length;
    return { madeAt: new Date(this.#clock.now()).toISOString(), devices };
  }

  #schedule(afterMs: number): void {
    this.#cancelNext?.();
    this.#cancelNext = this.#clock.after(afterMs, () => {
      this.make().catch((error: Error) => {
        this.#log.error(`the coordinator could not be backed up: ${error.message}`);
        if (this.#controller) this.#schedule(EVERY_MS / 24);
      });
    });
  }
}
