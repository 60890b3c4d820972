/**
 * The devices on the bus in `0.xml`: which of their objects are linked to which group addresses. What an object is beyond
 * that (its type, its flags) stands here only where it was changed in ETS, else in its manufacturer's catalogue.
 */
import type { Attributes } from './xml-reader.ts';

/** 16 areas of 16 lines of 256 devices. */
const DEVICES_MAX = 65_536;
const LINKS_MAX = 500_000;

/** Flags of an object (03_05_01, 4.12), as far as they matter here; undefined: not known. */
export interface ObjectFlags {
  /** It answers reads. */
  read: boolean | undefined;
  /** It takes what is written. */
  write: boolean | undefined;
  /** It sends by itself. */
  transmit: boolean | undefined;
}

export interface ProjectObject {
  /** Until ETS 5.6 with its program before it. */
  ref: string;
  dpt: string | undefined;
  /** As the catalogue writes it: `1 Bit`. */
  size: string | undefined;
  flags: ObjectFlags;
  /** Of its device: which of its lamps, blinds, … ETS 6 says it. */
  channel: string | undefined;
  /** Where it sends to. */
  sendsTo: string | undefined;
  /** Ids of all its group addresses, that where it sends to among them. */
  addresses: string[];
}

export interface ProjectDevice {
  individualAddress: string;
  name: string;
  /** Of its hardware with its program, in the catalogue. */
  hardwareProgram: string;
  /** Those that are linked. */
  objects: ProjectObject[];
}

/** @throws AddonError when there are more than the most */
export type Bound = (count: number, most: number, what: string) => void;

export class DeviceCollector {
  readonly devices: ProjectDevice[] = [];
  #area = '0';
  #line = '0';
  #device: ProjectDevice | undefined;
  #object: ProjectObject | undefined;
  #links = 0;

  open(element: string, attributes: Attributes, bound: Bound): void {
    const { Address = '', Name = '', Hardware2ProgramRefId = '', GroupAddressRefId = '' } = attributes;
    if (element === 'Area') this.#area = Address;
    else if (element === 'Line') this.#line = Address;
    else if (element === 'DeviceInstance') {
      const individualAddress = `${this.#area}.${this.#line}.${Address || '-'}`;
      this.#device = { individualAddress, name: Name, hardwareProgram: Hardware2ProgramRefId, objects: [] };
      bound(this.devices.push(this.#device), DEVICES_MAX, 'devices');
    } else if (element === 'ComObjectInstanceRef') {
      this.#object = objectOf(attributes);
      // from ETS 5 on the first is where it sends to; before, links are elements of their own
      const links = listOf(attributes['Links']);
      for (const [at, link] of links.entries()) this.#link(link, at === 0, bound);
    } else if (element === 'Send' || element === 'Receive') {
      this.#link(GroupAddressRefId, element === 'Send', bound);
    }
  }

  close(element: string): void {
    if (element === 'DeviceInstance') this.#device = undefined;
    if (element !== 'ComObjectInstanceRef') return;
    if (this.#object && this.#object.addresses.length > 0) this.#device?.objects.push(this.#object);
    this.#object = undefined;
  }

  #link(refId: string, sends: boolean, bound: Bound): void {
    this.#links += 1;
    bound(this.#links, LINKS_MAX, 'links');
    const address = shortId(refId);
    if (sends && this.#object) this.#object.sendsTo ??= address;
    this.#object?.addresses.push(address);
  }
}

function objectOf(attributes: Attributes): ProjectObject {
  return {
    ref: attributes['RefId'] ?? '',
    dpt: firstOf(attributes['DatapointType']),
    size: undefined,
    flags: flagsOf(attributes),
    channel: attributes['ChannelId'],
    sendsTo: undefined,
    addresses: [],
  };
}

export function flagsOf(attributes: Attributes): ObjectFlags {
  const flag = (value: string | undefined) => (value === undefined ? undefined : value === 'Enabled');
  return {
    read: flag(attributes['ReadFlag']),
    write: flag(attributes['WriteFlag']),
    transmit: flag(attributes['TransmitFlag']),
  };
}

/** `GA-7` of `P-0242-0_GA-7`: from ETS 5.7 on links name it without the project. */
export function shortId(id: string): string {
  return id.slice(id.lastIndexOf('_') + 1);
}

export function listOf(value: string | undefined): string[] {
  return (value ?? '').split(/\s+/).filter((each) => each !== '');
}

/** An object may fit several types, the one it was given first. */
export function firstOf(types: string | undefined): string | undefined {
  return listOf(types)[0];
}
