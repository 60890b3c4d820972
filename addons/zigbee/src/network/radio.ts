/**
 * The life of the coordinator: found, asked who it is, started with our network, watched, and taken up again when it
 * comes back. One Controller lives at a time; the library reconnects by none of itself.
 *
 * Whatever is wrong is a RadioTrouble that health shows; the attempts go on until it is right, at most RETRY_MAX_MS
 * apart, so that a stick that returns is at work within 5 s.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { AddonError, type AddonLog, backoffMs, type Clock } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { presentPath, stablePortOf } from '../stick/stable-port.ts';
import { probeStick } from '../stick/stick-probe.ts';
import { closeController, untilMute } from './controller-care.ts';
import { IdentityFile, type NetworkIdentity, wantedChannel } from './network-identity.ts';
import type { RadioSettings } from './radio-settings.ts';
import { type RadioTrouble, stickGone, stickMute, troubleOf, wrongChannel } from './radio-trouble.ts';
import { startController } from './start-controller.ts';
import { type Saved, TakeOver } from './take-over.ts';

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 3_000;

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
  #takeOver: TakeOver | undefined;
  #attempts = 0;

  constructor(parts: RadioParts) {
    this.#parts = parts;
    this.#identityFile = new IdentityFile(parts.folder, (message) => parts.log.error(message));
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

  /** Waits until the start that was begun has ended. @throws RadioTrouble when it has not worked */
  async started(): Promise<void> {
    await this.#judged.promise;
    if (!this.#controller && this.#trouble) throw this.#trouble;
  }

  /**
   * What the stick holds may be lost: the next start puts our network onto it, whatever it belonged to.
   * @param unsaved also where that cannot be saved before. @throws AddonError coordinatorNotReady, RadioTrouble
   */
  async takeOver(unsaved: boolean): Promise<Saved> {
    if (!this.#settings)
      throw new AddonError('coordinatorNotReady', 'no coordinator is named', {
        hint: 'scan the protocol for one, and install it with "port"',
      });
    const { folder, log, clock } = this.#parts;
    const takeOver = new TakeOver({ folder, log, clock, unsaved });
    await this.restart(() => {
      this.#takeOver = takeOver;
    });
    await this.started();
    return takeOver.outcome;
  }

  /** Ends the work with the coordinator, lets `change` happen, begins again. */
  async restart(change: () => void = () => undefined): Promise<void> {
    await this.stop();
    change();
    if (this.#settings) this.#begin(this.#settings);
  }

  /**
   * Moves the whole network; devices follow within minutes, those that sleep when they wake.
   * @throws AddonError coordinatorNotReady, RadioTrouble
   */
  async changeChannel(channel: number): Promise<void> {
    const identity = this.#identity;
    const settings = this.#settings;
    if (!identity || !settings)
      throw new AddonError('coordinatorNotReady', 'there is no network yet', { hint: 'start it first' });
    const chosen = { channel, over: settings.channel };
    await this.restart(() => this.#keep({ ...identity, channel, movedTo: channel, chosen }));
    await this.started();
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
    const known = this.#identity ?? this.#identityFile.peek();
    const path = presentPath(settings.port, known?.stablePort);
    if (path !== settings.port)
      this.#parts.log.info(`${settings.port} is gone; the same stick is at ${path}`);
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
      const mute = untilMute(controller, watch.signal).then(() => stickMute(path));
      trouble = await Promise.race([lost, mute]);
      return trouble;
    } finally {
      watch.abort();
      this.#controller = undefined;
      this.#parts.onDown(trouble);
      await closeController(controller, this.#parts.log);
    }
  }

  async #start(settings: RadioSettings, path: string): Promise<Controller> {
    const { folder, log, clock } = this.#parts;
    const takeOver = this.#takeOver?.counts ? this.#takeOver : undefined;
    const identity = this.#identityFile.load(settings.channel);
    this.#identity = identity;
    const { controller, channel } = await startController({
      folder,
      log,
      settings,
      path,
      identity,
      takeOver,
    });
    this.#takeOver = undefined;
    const { movedTo: _moved, ...kept } = identity;
    const formedAt = identity.formedAt ?? clock.now();
    try {
      this.#keep({ ...kept, channel, formedAt, ...stablePortOf(path) });
    } catch (error) {
      await closeController(controller, log);
      throw error;
    }
    return controller;
  }

  #keep(identity: NetworkIdentity): void {
    if (JSON.stringify(identity) !== JSON.stringify(this.#identity)) this.#identityFile.save(identity);
    this.#identity = identity;
  }

  #channelTrouble(settings: RadioSettings): RadioTrouble | undefined {
    if (!this.#identity) return undefined;
    const wanted = wantedChannel(this.#identity, settings.channel);
    const { channel } = this.#identity;
    return channel === wanted ? undefined : wrongChannel(channel, wanted);
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
