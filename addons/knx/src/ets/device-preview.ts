/**
 * Devices out of the group addresses of an ETS file: each group becomes a device, each address with a known type a
 * datapoint. Names and types are kept; what cannot become a datapoint is told, with its line. An address that tells the
 * state of another one is that one's `status_address`, and no datapoint of its own.
 */
import { AddonError, type JsonObject } from '@gate/addon-sdk';
import { datapointType } from '../dpt/datapoint-type.ts';
import { DATAPOINTS_MAX, isDatapointName, KNX_DEVICE_TYPE } from '../knx-parameters.ts';
import { formatGroupAddress, parseGroupAddress } from '../wire/address.ts';
import type { EtsGroup, EtsGroupAddress } from './group-address.ts';

/** Longest name of a device. */
const DEVICE_NAME_MAX = 20;
const DATAPOINT_NAME_MAX = 64;
/** Of a name as it is told with a problem. */
const TOLD_MAX = 100;

export interface Problem extends JsonObject {
  line: number;
  address: string;
  name: string;
  message: string;
}

/** What POST `/device/v1/protocols/:protocolId/devices` takes. */
export interface PreviewedDevice extends JsonObject {
  key: string;
  name: string;
  type: string;
  parameters: JsonObject;
}

interface Collected {
  group: EtsGroup;
  datapoints: Map<string, JsonObject>;
}

export function devicesOutOf(addresses: readonly EtsGroupAddress[]): {
  devices: PreviewedDevice[];
  problems: Problem[];
} {
  const groups = new Map<string, Collected>();
  const seen = new Set<string>();
  const problems: Problem[] = [];
  const states = new Set(addresses.flatMap((each) => (isUsable(each) ? stateOf(each) : [])));
  for (const each of addresses) {
    if (states.has(shownAddress(each.address))) continue;
    try {
      const { name, ...rest } = datapointOf(each, seen);
      const collected = groups.get(each.group.key) ?? { group: each.group, datapoints: new Map() };
      groups.set(each.group.key, collected);
      // two of one name are told apart by their addresses
      const unique = collected.datapoints.has(name)
        ? `${name.slice(0, 48).trim()} ${rest.group_address}`
        : name;
      collected.datapoints.set(unique, { name: unique, ...rest });
    } catch (error) {
      if (!(error instanceof AddonError)) throw error;
      const { line, address, name } = each;
      problems.push({
        line,
        address: shownAddress(address),
        name: name.slice(0, TOLD_MAX),
        message: error.message,
      });
    }
  }
  return { devices: devicesOf(groups.values()), problems };
}

/** Whether it becomes a datapoint. */
function isUsable(address: EtsGroupAddress): boolean {
  try {
    datapointOf(address, new Set());
    return true;
  } catch {
    return false;
  }
}

function stateOf({ status }: EtsGroupAddress): string[] {
  return status === undefined ? [] : [shownAddress(status.address)];
}

/** In three levels where it is an address: projects have numbers. */
export function shownAddress(address: string): string {
  try {
    return formatGroupAddress(parseGroupAddress(address));
  } catch {
    return address.slice(0, TOLD_MAX);
  }
}

/** @throws AddonError badRequest */
function datapointOf(
  { name, address, dpt, size, secured, status }: EtsGroupAddress,
  seen: Set<string>,
): { name: string; group_address: string; status_address?: string; dpt: string } {
  const group = formatGroupAddress(parseGroupAddress(address));
  if (seen.has(group)) throw new AddonError('badRequest', 'this address is in the file twice');
  if (secured === true)
    throw new AddonError('badRequest', 'it is secured (KNX Data Secure), which gate does not speak');
  if (dpt === undefined) {
    const known = size === undefined ? '' : `; what uses it has ${size.slice(0, TOLD_MAX)}`;
    throw new AddonError('badRequest', `it has no datapoint type in ETS${known}`);
  }
  const { id } = datapointType(dpt);
  seen.add(group);
  const told = status === undefined ? {} : { status_address: shownAddress(status.address) };
  return { name: nameOf(name, `address ${group}`), group_address: group, ...told, dpt: id };
}

/** Names are kept as far as they can be; what a name may not hold becomes a space. */
function nameOf(name: string, otherwise: string): string {
  const kept = name
    .replace(/[^\p{L}\p{N} _/()+-]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^[^\p{L}\p{N}]+/u, '');
  const cut = [...kept].slice(0, DATAPOINT_NAME_MAX).join('').slice(0, DATAPOINT_NAME_MAX).trim();
  return isDatapointName(cut) ? cut : otherwise;
}

function devicesOf(groups: Iterable<Collected>): PreviewedDevice[] {
  const taken = new Set<string>();
  const devices: PreviewedDevice[] = [];
  for (const { group, datapoints: byName } of groups) {
    const datapoints = [...byName.values()];
    for (let at = 0; at < datapoints.length; at += DATAPOINTS_MAX) {
      const name = freeName(group.name.trim().slice(0, DEVICE_NAME_MAX).trim() || 'KNX', taken);
      taken.add(name);
      devices.push({
        key: at === 0 ? group.key : `${group.key}#${at / DATAPOINTS_MAX + 1}`,
        name,
        type: KNX_DEVICE_TYPE,
        parameters: {
          ...(group.individualAddress === undefined ? {} : { individual_address: group.individualAddress }),
          datapoints: datapoints.slice(at, at + DATAPOINTS_MAX),
        },
      });
    }
  }
  return devices;
}

/** The name, with a number behind it where it is taken. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) {
    free = `${name.slice(0, DEVICE_NAME_MAX - 1 - String(number).length)} ${number}`;
  }
  return free;
}
