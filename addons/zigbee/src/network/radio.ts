/**
 * The life of the coordinator: found, asked who it is, started with our network, watched, and taken up again when it
 * comes back. One Controller lives at a time; the library reconnects by none of itself.
 *
 * Whatever is wrong is a RadioTrouble that health shows; the attempts go on until it is right, at most RETRY_MAX_MS
 * apart, so that a stick that returns is at work within 5 s.
 */
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AddonError, type AddonLog, backoffMs, type Clock } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { tcpTarget } from '../stick/coordinator-port.ts';
import { guardFor, installEmberGuard, installGuards } from '../stick/stick-guard.ts';
import { type AdapterKind, probeStick } from '../stick/stick-probe.ts';
import { answers, closeController, stablePortOf } from './controller-care.ts';
import { makeDatabaseDurable, mendDatabase, pairedDevicesIn } from './device-database.ts';
import { guardLibraryEvents } from './library-events.ts';
import { libraryLog } from './library-log.ts';
import { IdentityFile, type NetworkIdentity } from './network-identity.ts';
import { RadioTrouble, stickGone, stickMute, troubleOf } from './radio-trouble.ts';

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 3_000;
/** Between two questions whether the coordinator is still there, and how many it may leave unanswered. */
const HEARTBEAT_MS = 10_000;
const MISSED_MAX = 2;
/** For so long the word counts that a stick may be taken over: it is meant for the one that is plugged in now. */
const OVERWRITE_MS = 2 * 60_000;

export const DATABASE_NAME = 'database.db';
export const BACKUP_NAME = 'coordinator-backup.json';

export interface RadioSettings {
  port: string;
  adapter: AdapterKind;
  channel: number;
  baudRate?: number | undefined;
  rtscts?: boolean | undefined;
  transmitPower?: number | undefined;
}

export interface RadioParts {
  /** The add-on's own folder. */
  folder: string;
  log: AddonLog;
  clock: Clock;
  random: () => number;
  /** The coordinator works; what is awaited here happens before commands are let through. */
  onUp: (controller: Controller) => Promise<void>;
  onDown: (trouble: RadioTrouble) => void;
  /** What health shows; undefined is all well. */
  onTrouble: (trouble: RadioTrouble | undefined) => void;
}

export class Radio {
  readonly #parts: RadioParts;
  readonly #identityFile: IdentityFile;
  #settings: RadioSettings | undefined;
  #running: { abort: AbortController; ended: Promise<void> } | undefined;
  #controller: Controller | undefined;
  #identity: NetworkIdentity | undefined;
  #trouble: RadioTrouble | undefined;
  #shown: string | undefined;
  #judged = Promise.withResolvers<void>();
  #overwriteUntilMs = 0;
  #attempts = 0;

  constructor(parts: RadioParts) {
    this.#parts = parts;
    this.#identityFile = new IdentityFile(parts.folder);
  }

  /** The running coordinator. @throws AddonError coordinatorNotReady, with why */
  get controller(): Controller {
    if (this.#controller) return this.#controller;
    const why = this.#trouble?.reason ?? 'it is starting';
    throw new AddonError('coordinatorNotReady', `the Zigbee coordinator is not ready: ${why}`, {
      hint: this.#trouble?.hint ?? 'try again in some seconds',
    });
  }

  /** Resolves once it is known how the present settings work, or do not. */
  get judged(): Promise<void> {
    return this.#judged.promise;
  }

  get isUp(): boolean {
    return this.#controller !== undefined;
  }

  /** Works with these settings from now on; the same ones change nothing. */
  async use(settings: RadioSettings | undefined): Promise<void> {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings) && (this.#running || !settings)) return;
    await this.stop();
    this.#settings = settings;
    if (settings) this.#begin(settings);
  }

  /** Ends the work with the coordinator, as far as it answers. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.abort.abort();
    await running?.ended;
  }

  /** What the stick holds may be lost: the next start puts our network onto it, whatever it belonged to. */
  async takeOver(): Promise<void> {
    this.#overwriteUntilMs = this.#parts.clock.uptime() + OVERWRITE_MS;
    await this.restart();
  }

  /** Ends the work with the coordinator, lets `change` happen, begins again. */
  async restart(change: () => void = () => undefined): Promise<void> {
    await this.stop();
    change();
    if (this.#settings) this.#begin(this.#settings);
  }

  /** Moves the whole network; devices follow within minutes, those that sleep when they wake. */
  async changeChannel(channel: number): Promise<void> {
    const identity = this.#identity;
    if (!identity)
      throw new AddonError('coordinatorNotReady', 'there is no network yet', { hint: 'start it first' });
    await this.restart(() => this.#keep({ ...identity, channel, movedTo: channel }));
  }

  #begin(settings: RadioSettings): void {
    const abort = new AbortController();
    this.#attempts = 0;
    this.#shown = undefined;
    this.#judged = Promise.withResolvers<void>();
    this.#running = { abort, ended: this.#run(settings, abort.signal) };
  }

  async #run(settings: RadioSettings, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let trouble: RadioTrouble;
      try {
        trouble = await this.#session(settings, signal);
      } catch (error) {
        trouble = troubleOf(error, settings.port);
      }
      if (signal.aborted) return;
      this.#show(trouble);
      const waitMs = backoffMs(this.#attempts++, {
        minMs: RETRY_MIN_MS,
        maxMs: RETRY_MAX_MS,
        random: this.#parts.random,
      });
      await pause(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** From the first byte to the loss of the coordinator; returns why it ended. */
  async #session(settings: RadioSettings, signal: AbortSignal): Promise<RadioTrouble> {
    const path = this.#presentPath(settings);
    await probeStick({ ...settings, path }, settings.adapter, signal);
    if (signal.aborted) return stickGone(path);
    const controller = await this.#start(settings, path);
    const lost = new Promise<RadioTrouble>((resolve) => {
      controller.once('adapterDisconnected', () => resolve(stickGone(path)));
      signal.addEventListener('abort', () => resolve(stickGone(path)), { once: true });
    });
    const watch = new AbortController();
    let trouble = stickGone(path);
    try {
      await this.#parts.onUp(controller);
      this.#controller = controller;
      this.#attempts = 0;
      this.#show(this.#channelTrouble(settings));
      trouble = await Promise.race([lost, this.#missed(controller, path, watch.signal)]);
      return trouble;
    } finally {
      watch.abort();
      this.#controller = undefined;
      this.#parts.onDown(trouble);
      await closeController(controller, this.#parts.log);
    }
  }

  async #start(settings: RadioSettings, path: string): Promise<Controller> {
    const { folder, log } = this.#parts;
    const library = await import('zigbee-herdsman');
    library.setLogger(libraryLog(log));
    installGuards();
    if (settings.adapter === 'ember') installEmberGuard();
    makeDatabaseDurable();
    const databasePath = join(folder, DATABASE_NAME);
    const mended = mendDatabase(databasePath);
    if (mended) log.error(mended);

    const identity = this.#identityFile.load(settings.channel);
    this.#identity = identity;
    const channelList = [identity.formedAt === undefined ? settings.channel : identity.channel];
    const guard = guardFor({
      formed: identity.formedAt !== undefined,
      hasDevices: pairedDevicesIn(databasePath) > 0,
      overwrite: this.#parts.clock.uptime() < this.#overwriteUntilMs,
    });
    const controller = new library.Controller({
      network: {
        panID: identity.panId,
        extendedPanID: [...Buffer.from(identity.extendedPanId, 'hex')],
        networkKey: [...Buffer.from(identity.networkKey, 'hex')],
        channelList,
      },
      transport: {
        path,
        adapter: settings.adapter,
        ...(settings.baudRate === undefined ? {} : { baudRate: settings.baudRate }),
        rtscts: settings.rtscts ?? false,
      },
      databasePath,
      databaseBackupPath: `${databasePath}.reset`,
      backupPath: join(folder, BACKUP_NAME),
      adapter: {
        disableLED: false,
        ...(settings.transmitPower === undefined ? {} : { transmitPower: settings.transmitPower }),
        ...{
          guard: (found: Parameters<typeof guard>[0]) => {
            guard(found);
            // a network that goes on stays where it is, whatever the settings say: a move is asked for by name
            if (found.intent === 'resume' && found.holds && identity.movedTo === undefined)
              channelList[0] = found.holds.channel;
          },
        },
      },
      // whoever is let in is taken; a handler that says so would put the new address off behind the next frame
      acceptJoiningDeviceHandler: undefined as never,
    });
    guardLibraryEvents(controller, log);
    try {
      const result = await controller.start();
      this.#overwriteUntilMs = 0;
      if (result !== 'resumed')
        log.info(`the network was ${result === 'reset' ? 'made anew on' : 'restored to'} the stick`);
      const { channel } = await controller.getNetworkParameters();
      const { movedTo: _moved, ...kept } = identity;
      this.#keep({
        ...kept,
        channel,
        formedAt: identity.formedAt ?? this.#parts.clock.now(),
        ...stablePortOf(path),
      });
      // its own backups go on a timer and at each stop: ours are made when they are wanted (network-backup.ts)
      (controller as unknown as { options: { backupPath: string } }).options.backupPath = '';
      if (existsSync(join(folder, BACKUP_NAME))) chmodSync(join(folder, BACKUP_NAME), 0o600);
      return controller;
    } catch (error) {
      await closeController(controller, log);
      throw error;
    }
  }

  #keep(identity: NetworkIdentity): void {
    if (JSON.stringify(identity) !== JSON.stringify(this.#identity)) this.#identityFile.save(identity);
    this.#identity = identity;
  }

  /** The configured path or, where it is gone, the name that the same stick has whatever port it is in. */
  #presentPath({ port }: RadioSettings): string {
    if (tcpTarget(port) || existsSync(port)) return port;
    const { stablePort } = this.#identity ?? this.#identityFile.peek() ?? {};
    if (stablePort !== undefined && existsSync(stablePort)) {
      this.#parts.log.info(`${port} is gone; the same stick is at ${stablePort}`);
      return stablePort;
    }
    return port;
  }

  /** The network works, but not where the settings want it. */
  #channelTrouble({ channel }: RadioSettings): RadioTrouble | undefined {
    const actual = this.#identity?.channel;
    if (actual === undefined || actual === channel) return undefined;
    return new RadioTrouble(
      'wrongChannel',
      `the network works on channel ${actual}, the settings say ${channel}`,
      `devices stay reachable; run the action "changeChannel" to move the network, or set "channel" to ${actual}`,
    );
  }

  /** Resolves when the coordinator has left several questions unanswered. */
  async #missed(controller: Controller, path: string, signal: AbortSignal): Promise<RadioTrouble> {
    let missed = 0;
    while (!signal.aborted) {
      await pause(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      missed = (await answers(controller)) ? 0 : missed + 1;
      if (missed >= MISSED_MAX) return stickMute(path);
    }
    return stickGone(path);
  }

  #show(trouble: RadioTrouble | undefined): void {
    this.#trouble = trouble;
    this.#judged.resolve();
    const shown = trouble?.reason ?? 'running';
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (trouble) this.#parts.log.error(`coordinator: ${trouble.reason}`);
    else this.#parts.log.info('the coordinator works');
    this.#parts.onTrouble(trouble);
  }
}
