/**
 * What devices of the gateway do without being asked: they are reset and join again, they have had no power, they leave.
 * And what their models want to hear of: that the gateway starts (some have clusters of their own that the library learns
 * only then, some are to be polled from then on), that a device is back, that it is no longer looked after.
 */
import type { Addon, Clock } from '@gate/addon-sdk';
import type { Controller, Models } from 'zigbee-herdsman';
import type { NetworkBackup } from '../network/network-backup.ts';
import { prepareDevice } from '../pairing/prepare-device.ts';
import type { BoundDevices } from './bound-devices.ts';
import type { Definitions, KnownModel } from './definitions.ts';
import { tellEnd, tellModel } from './model-events.ts';

/** One that joins again and again, at the edge of the range, is not set up each time. */
const SET_UP_AGAIN_AFTER_MS = 60_000;

export interface ComingsAndGoingsParts {
  bound: BoundDevices;
  definitions: Definitions;
  backup: NetworkBackup;
  gate: Pick<Addon, 'availability' | 'event' | 'log'>;
  clock: Clock;
  /** Its pairing sees to what it needs. */
  isPairing: (deviceId: string) => boolean;
}

export class ComingsAndGoings {
  readonly #parts: ComingsAndGoingsParts;
  /** Models that were told of the start, by the address of their device: they are told of the end too. */
  readonly #told = new Map<string, KnownModel>();
  /** When devices were set up again, in milliseconds of `uptime`. */
  readonly #setUpMs = new Map<string, number>();

  constructor(parts: ComingsAndGoingsParts) {
    this.#parts = parts;
  }

  /** Events of the network, while the coordinator is up. */
  attach(controller: Controller): void {
    controller.on('deviceLeave', ({ ieeeAddr }) => this.#left(ieeeAddr));
    controller.on('deviceInterview', ({ device, status }) => {
      if (status === 'successful') void this.#rejoined(device, controller);
    });
    // one that was reset without a word is known to the library, which asks it nothing: what it was told is lost all the same
    controller.on('lastSeenChanged', ({ device, reason }) => {
      if (reason === 'deviceJoined' && device.interviewState === 'SUCCESSFUL')
        void this.#rejoined(device, controller);
    });
    controller.on('deviceJoined', ({ device }) => void this.#joined(device));
    controller.on('deviceAnnounce', ({ device }) => void this.#tell(device, 'deviceAnnounce'));
    void this.#greet(controller);
  }

  /** The coordinator is gone: what models do from time to time has nobody to reach. */
  detach(): void {
    for (const ieeeAddress of [...this.#told.keys()]) this.forget(ieeeAddress);
  }

  /** Its pairing has told the model that it starts. */
  async paired(device: Models.Device): Promise<void> {
    const model = await this.#parts.definitions.of(device).catch(() => undefined);
    if (model?.definition.onEvent) this.#told.set(device.ieeeAddr, model);
  }

  /** The device is none of the gateway's any more. */
  forget(ieeeAddress: string): void {
    const model = this.#told.get(ieeeAddress);
    this.#told.delete(ieeeAddress);
    this.#setUpMs.delete(ieeeAddress);
    if (model) void tellEnd(model, ieeeAddress, this.#parts.gate.log);
  }

  /** Before the first frame of a device is converted, unless it comes at once. */
  async #greet(controller: Controller): Promise<void> {
    for (const { ieeeAddress } of this.#parts.bound.all()) {
      const device = controller.getDeviceByIeeeAddr(ieeeAddress);
      if (device) await this.#tell(device, 'start');
    }
  }

  async #tell(device: Models.Device, type: 'start' | 'deviceAnnounce'): Promise<void> {
    const { bound, definitions, gate, isPairing } = this.#parts;
    const known = bound.at(device.ieeeAddr);
    if (!known || isPairing(known.deviceId)) return;
    const model = await definitions.of(device).catch(() => undefined);
    if (model?.definition.onEvent) this.#told.set(device.ieeeAddr, model);
    await tellModel({ device, model, options: known.options, definitions, log: gate.log }, type);
  }

  /** Nobody knows yet whose it is, nor what. */
  async #joined(device: Models.Device): Promise<void> {
    const { definitions, gate } = this.#parts;
    await tellModel({ device, model: undefined, options: {}, definitions, log: gate.log }, 'deviceJoined');
  }

  /** It was reset and is back: it is set up as it was. */
  async #rejoined(device: Models.Device, controller: Controller): Promise<void> {
    const { bound: known, definitions, gate, backup, clock, isPairing } = this.#parts;
    const bound = known.at(device.ieeeAddr);
    if (!bound || isPairing(bound.deviceId)) return;
    const nowMs = clock.uptime();
    if (nowMs - (this.#setUpMs.get(device.ieeeAddr) ?? Number.NEGATIVE_INFINITY) < SET_UP_AGAIN_AFTER_MS)
      return;
    this.#setUpMs.set(device.ieeeAddr, nowMs);
    const { deviceId, options } = bound;
    const { log } = gate;
    log.info(`device ${deviceId} (${device.ieeeAddr}) has joined again`);
    gate.event({ type: 'rejoined', deviceId });
    const model = await definitions.of(device);
    if (!model) return;
    await prepareDevice({ device, model, controller, definitions, options, log }).catch((error: Error) =>
      log.error(`device ${deviceId} could not be set up again: ${error.message}`),
    );
    backup.changed();
  }

  #left(ieeeAddress: string): void {
    const { bound, definitions, gate } = this.#parts;
    this.forget(ieeeAddress);
    definitions.forget(ieeeAddress);
    const deviceId = bound.at(ieeeAddress)?.deviceId;
    if (deviceId === undefined) return;
    gate.availability(deviceId, false, 'it has left the network: reset it and pair it again');
    gate.event({ type: 'left', deviceId });
  }
}
