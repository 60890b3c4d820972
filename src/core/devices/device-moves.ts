/** A paired device that its add-on has found at another address: kept, so that it is spoken to there from now on. */

import type { GatewayEventBus } from '../events.ts';
import type { Devices } from './devices.ts';

export interface DeviceMovesParts {
  devices: Devices;
  events: GatewayEventBus;
  /** The new address could not be kept: the add-on will say it again when it finds the device again. */
  onTrouble: (deviceId: string, error: unknown) => void;
}

export class DeviceMoves {
  readonly #parts: DeviceMovesParts;
  #dispose: (() => void) | undefined;

  constructor(parts: DeviceMovesParts) {
    this.#parts = parts;
  }

  start(): void {
    const { devices, events, onTrouble } = this.#parts;
    this.#dispose = events.on('addonEventReported', ({ type, deviceId, details: { address } }) => {
      if (type !== 'moved' || deviceId === undefined || address === undefined || address === null) return;
      // what was never paired has no place to move from
      if (devices.find(deviceId)?.address === undefined) return;
      devices.setAddress(deviceId, address).catch((error: unknown) => onTrouble(deviceId, error));
    });
  }

  stop(): void {
    this.#dispose?.();
  }
}
