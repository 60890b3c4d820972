/** The devices of the gateway as the network has them: found for a command, watched, and told of under the gateway's ids. */
import { type Addon, AddonError, type JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import type { Radio } from '../network/radio.ts';
import type { WatchedDevice } from './availability.ts';
import type { BoundDevices } from './bound-devices.ts';
import { isSleepy } from './receiver.ts';

export interface NetworkDevicesParts {
  bound: BoundDevices;
  radio: Radio;
  gate: Pick<Addon, 'report' | 'availability' | 'log'>;
}

export class NetworkDevices {
  readonly #parts: NetworkDevicesParts;

  constructor(parts: NetworkDevicesParts) {
    this.#parts = parts;
  }

  /** @throws AddonError notPaired, coordinatorNotReady, unreachable */
  of(deviceId: string): Models.Device {
    const bound = this.#parts.bound.of(deviceId);
    if (!bound)
      throw new AddonError('notPaired', `device "${deviceId}" is not paired`, { hint: 'pair it first' });
    const device = this.#parts.radio.controller.getDeviceByIeeeAddr(bound.ieeeAddress);
    if (device) return device;
    throw new AddonError(
      'unreachable',
      `device "${deviceId}" (${bound.ieeeAddress}) is not in the network any more`,
      { hint: 'reset it and pair it again' },
    );
  }

  /** The device of the gateway behind one of the network. */
  ownerOf(ieeeAddress: string): string | undefined {
    return this.#parts.bound.at(ieeeAddress)?.deviceId;
  }

  /** Those whose availability is watched just now: none while there is no coordinator. */
  *watched(): Generator<WatchedDevice> {
    const { bound, radio } = this.#parts;
    if (!radio.isUp) return;
    const { controller } = radio;
    for (const { ieeeAddress } of bound.all()) {
      const device = controller.getDeviceByIeeeAddr(ieeeAddress);
      // a switch without a battery is heard when it is pressed, be it once a year
      if (device?.interviewState === 'SUCCESSFUL' && device.type !== 'GreenPower') {
        yield { ieeeAddress, isSleepy: isSleepy(device), ping: () => device.ping() };
      }
    }
  }

  report(ieeeAddress: string, payload: JsonObject): void {
    const deviceId = this.ownerOf(ieeeAddress);
    if (deviceId === undefined) return;
    const { gate } = this.#parts;
    try {
      gate.report(deviceId, payload);
    } catch (error) {
      gate.log.info(`a reading of device ${deviceId} was left out: ${(error as Error).message}`);
    }
  }

  sayAvailability(ieeeAddress: string, online: boolean, reason?: string): void {
    const deviceId = this.ownerOf(ieeeAddress);
    if (deviceId !== undefined) this.#parts.gate.availability(deviceId, online, reason);
  }
}
