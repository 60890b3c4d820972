/** The devices of this gateway by their group addresses: whom a telegram concerns. */
import { AddonError, type DeviceConfig, type JsonValue } from '@gate/addon-sdk';
import { type Datapoint, parseDevice } from './knx-parameters.ts';
import { formatGroupAddress } from './wire/address.ts';
import type { RawValue } from './wire/cemi.ts';

export interface KnxDevice {
  id: string;
  /** Tells whether a new config changes anything for this device. */
  signature: string;
  datapoints: readonly Datapoint[];
}

export interface Place {
  deviceId: string;
  datapoint: Datapoint;
}

export class DeviceBook {
  readonly #devices = new Map<string, KnxDevice>();
  readonly #byStateAddress = new Map<number, Place[]>();
  readonly #byGroupAddress = new Map<number, Place[]>();
  /** The value last seen or written, as it was on the bus: what reads of others are answered with. */
  readonly #lastValues = new Map<Datapoint, RawValue>();

  get(deviceId: string): KnxDevice | undefined {
    return this.#devices.get(deviceId);
  }

  get ids(): string[] {
    return [...this.#devices.keys()];
  }

  /** @returns the device if it is new or has changed. @throws AddonError badRequest, addressTaken: then it is not there */
  put({ id, parameters }: DeviceConfig): KnxDevice | undefined {
    const signature = JSON.stringify(parameters);
    if (this.#devices.get(id)?.signature === signature) return undefined;
    this.delete(id);
    const device: KnxDevice = { id, signature, datapoints: parseDevice(parameters) };
    this.demandFree(device.datapoints, id);
    this.#devices.set(id, device);
    for (const datapoint of device.datapoints) {
      const place = { deviceId: id, datapoint };
      addTo(this.#byStateAddress, datapoint.stateAddress, place);
      addTo(this.#byGroupAddress, datapoint.groupAddress, place);
    }
    return device;
  }

  delete(deviceId: string): void {
    const device = this.#devices.get(deviceId);
    this.#devices.delete(deviceId);
    for (const datapoint of device?.datapoints ?? []) {
      removeFrom(this.#byStateAddress, datapoint.stateAddress, datapoint);
      removeFrom(this.#byGroupAddress, datapoint.groupAddress, datapoint);
      this.#lastValues.delete(datapoint);
    }
  }

  /** Whose value is told at this address. */
  statesAt(address: number): readonly Place[] {
    return this.#byStateAddress.get(address) ?? [];
  }

  /** Who is written to at this address. */
  writesAt(address: number): readonly Place[] {
    return this.#byGroupAddress.get(address) ?? [];
  }

  /** @throws AddonError addressTaken where another device is written to at one of these addresses */
  demandFree(datapoints: readonly Datapoint[], exceptDevice: string): void {
    for (const { groupAddress } of datapoints) {
      const other = this.writesAt(groupAddress).find(({ deviceId }) => deviceId !== exceptDevice);
      if (other === undefined) continue;
      const place = `"${other.datapoint.name}" of device "${other.deviceId}"`;
      throw new AddonError(
        'addressTaken',
        `the group address ${formatGroupAddress(groupAddress)} is ${place} already`,
        {
          hint: 'use another group address, or delete the other device first',
        },
      );
    }
  }

  /** What is worth reading after an outage. */
  *readable(devices: Iterable<KnxDevice> = this.#devices.values()): Generator<number> {
    for (const { datapoints } of devices) {
      for (const { flags, stateAddress } of datapoints) if (flags.has('read')) yield stateAddress;
    }
  }

  keep(datapoint: Datapoint, value: RawValue): void {
    this.#lastValues.set(datapoint, value);
  }

  lastValue(datapoint: Datapoint): RawValue | undefined {
    return this.#lastValues.get(datapoint);
  }
}

/** A value that its type cannot read is undefined here: whoever reports it says so. */
export function tryDecode({ type }: Datapoint, value: RawValue): JsonValue | undefined {
  try {
    return type.decode(value);
  } catch {
    return undefined;
  }
}

function addTo(map: Map<number, Place[]>, address: number, place: Place): void {
  const places = map.get(address);
  if (places) places.push(place);
  else map.set(address, [place]);
}

function removeFrom(map: Map<number, Place[]>, address: number, datapoint: Datapoint): void {
  const rest = (map.get(address) ?? []).filter((place) => place.datapoint !== datapoint);
  if (rest.length === 0) map.delete(address);
  else map.set(address, rest);
}
