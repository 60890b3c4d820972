/** The virtual devices of one gateway, kept as its configuration says. */
import {
  AddonError,
  type AddonHandlers,
  type Clock,
  type ConfigMessage,
  type DeviceConfig,
  type JsonObject,
} from '@gate/addon-sdk';
import { VirtualDevice, type VirtualReading } from './virtual-device.ts';

const FREQUENCY_MIN_SECONDS = 30;
const FREQUENCY_DEFAULT_SECONDS = 60;

export interface VirtualAddonParts {
  clock: Clock;
  random: () => number;
  report: (deviceId: string, reading: VirtualReading) => void;
}

export class VirtualAddon {
  readonly #parts: VirtualAddonParts;
  readonly #devices = new Map<string, VirtualDevice>();

  constructor(parts: VirtualAddonParts) {
    this.#parts = parts;
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    // there is no network to find it in or to take it off
    pair: () => ({}),
    cancelPairing: () => null,
    remove: ({ deviceId }) => this.#remove(deviceId),
    get: ({ deviceId }) => this.#device(deviceId).reading,
    set: ({ deviceId, params }) => this.#set(deviceId, params),
    stop: () => {
      for (const device of this.#devices.values()) device.deactivate();
    },
  };

  #configure({ devices }: ConfigMessage): void {
    const wanted = new Set(devices.map(({ id }) => id));
    for (const deviceId of this.#devices.keys()) if (!wanted.has(deviceId)) this.#remove(deviceId);
    for (const config of devices) this.#apply(config);
  }

  #apply({ id, parameters }: DeviceConfig): void {
    const { clock, random, report } = this.#parts;
    const device =
      this.#devices.get(id) ?? new VirtualDevice({ clock, random, report: (reading) => report(id, reading) });
    this.#devices.set(id, device);
    if (parameters['demoActive'] === true) device.activate(frequencyOf(parameters));
    else device.deactivate();
  }

  #set(deviceId: string, { value }: JsonObject): VirtualReading {
    const device = this.#device(deviceId);
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new AddonError('badRequest', '"value" must be a number', { hint: 'send {"value": 42}' });
    }
    device.set(value);
    return device.reading;
  }

  #remove(deviceId: string): null {
    this.#devices.get(deviceId)?.deactivate();
    this.#devices.delete(deviceId);
    return null;
  }

  #device(deviceId: string): VirtualDevice {
    const device = this.#devices.get(deviceId);
    if (!device) throw new AddonError('notFound', `there is no virtual device "${deviceId}"`);
    return device;
  }
}

/** Seconds; a frequency that is missing or too short becomes one that the API would have taken. */
function frequencyOf({ frequency }: JsonObject): number {
  if (typeof frequency !== 'number' || !Number.isFinite(frequency)) return FREQUENCY_DEFAULT_SECONDS;
  return Math.max(FREQUENCY_MIN_SECONDS, frequency);
}
