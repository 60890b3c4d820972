/** Which device of the gateway is which device of the network, as the gateway's configuration and pairings say. */
import { type DeviceConfig, isJsonObject, type JsonObject } from '@gate/addon-sdk';
import { optionsIn } from '../pairing/pairing-parameters.ts';
import { BRIDGE_TYPE } from '../type-id.ts';

export interface BoundDevice {
  deviceId: string;
  ieeeAddress: string;
  options: JsonObject;
}

export class BoundDevices {
  readonly #byId = new Map<string, BoundDevice>();
  readonly #byIeee = new Map<string, BoundDevice>();
  /** Paired just now: the configuration that says so is still on its way. */
  readonly #fresh = new Map<string, string>();
  #options = new Map<string, JsonObject>();
  #bridges = new Set<string>();

  /** Takes the whole configuration. @returns the devices that are new in it */
  apply(devices: readonly DeviceConfig[]): BoundDevice[] {
    const before = new Set(this.#byId.keys());
    this.#byId.clear();
    this.#byIeee.clear();
    this.#bridges = new Set(devices.filter(({ type }) => type === BRIDGE_TYPE).map(({ id }) => id));
    this.#options = new Map(devices.map(({ id, parameters }) => [id, optionsIn(parameters)]));
    for (const { id, address } of devices) {
      const told = isJsonObject(address) ? address['ieeeAddress'] : undefined;
      const ieee = typeof told === 'string' ? told.toLowerCase() : this.#fresh.get(id);
      if (ieee !== undefined) this.#bind(id, ieee);
      if (this.#fresh.get(id) === told) this.#fresh.delete(id);
    }
    for (const id of this.#fresh.keys()) if (!this.#options.has(id)) this.#fresh.delete(id);
    return [...this.#byId.values()].filter(({ deviceId }) => !before.has(deviceId));
  }

  /** A pairing has just found it. */
  bind(deviceId: string, ieeeAddress: string): void {
    this.#fresh.set(deviceId, ieeeAddress);
    this.#bind(deviceId, ieeeAddress);
  }

  #bind(deviceId: string, ieeeAddress: string): void {
    const bound = { deviceId, ieeeAddress, options: this.optionsOf(deviceId) };
    this.#byId.set(deviceId, bound);
    this.#byIeee.set(ieeeAddress, bound);
  }

  release(deviceId: string): void {
    const bound = this.#byId.get(deviceId);
    this.#fresh.delete(deviceId);
    this.#byId.delete(deviceId);
    if (bound && this.#byIeee.get(bound.ieeeAddress) === bound) this.#byIeee.delete(bound.ieeeAddress);
  }

  isBridge(deviceId: string): boolean {
    return this.#bridges.has(deviceId);
  }

  bridges(): string[] {
    return [...this.#bridges];
  }

  of(deviceId: string): BoundDevice | undefined {
    return this.#byId.get(deviceId);
  }

  at(ieeeAddress: string): BoundDevice | undefined {
    return this.#byIeee.get(ieeeAddress);
  }

  all(): BoundDevice[] {
    return [...this.#byId.values()];
  }

  optionsOf(deviceId: string): JsonObject {
    return this.#options.get(deviceId) ?? {};
  }
}
