/**
 * A preview of devices out of ETS's group address export: nothing is created. Each range of addresses becomes a device,
 * each address with a known type a datapoint; what cannot become one is told, with its line.
 */
import { AddonError, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { datapointType } from '../dpt/datapoint-type.ts';
import { DATAPOINTS_MAX, isDatapointName } from '../knx-parameters.ts';
import { formatGroupAddress, parseGroupAddress } from '../wire/address.ts';
import { readCsvExport } from './csv-export.ts';
import type { EtsGroupAddress } from './group-address.ts';
import { readXmlExport } from './xml-export.ts';

/** Longest name of a device. */
const DEVICE_NAME_MAX = 20;
const DATAPOINT_NAME_MAX = 64;

interface Problem {
  line: number;
  address: string;
  name: string;
  message: string;
}

/**
 * `content` is the text of the file. `{devices: [{name, parameters}], problems: [{line, address, name, message}]}`; a device is what
 * POST `/device/v1/devices` takes beside its `type`. @throws AddonError badRequest for a file that is none
 */
export function previewOf({ content }: JsonObject): JsonValue {
  if (typeof content !== 'string' || content.trim() === '') {
    throw new AddonError('badRequest', '"content" is missing: the text of the exported file');
  }
  const addresses = /^[\uFEFF\s]*</.test(content) ? readXmlExport(content) : readCsvExport(content);
  const groups = new Map<string, Map<string, JsonObject>>();
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const each of addresses) {
    try {
      const key = JSON.stringify(each.ranges);
      const datapoints = groups.get(key) ?? new Map<string, JsonObject>();
      const { name, ...rest } = datapointOf(each, seen);
      // two of one name are told apart by their addresses
      const unique = datapoints.has(name) ? `${name.slice(0, 48).trim()} ${rest.group_address}` : name;
      datapoints.set(unique, { name: unique, ...rest });
      groups.set(key, datapoints);
    } catch (error) {
      if (!(error instanceof AddonError)) throw error;
      const { line, address, name } = each;
      problems.push({ line, address, name, message: error.message });
    }
  }
  return { devices: devicesOf(groups), problems: problems.map((problem) => ({ ...problem })) };
}

/** @throws AddonError badRequest */
function datapointOf(
  { name, address, dpt }: EtsGroupAddress,
  seen: Set<string>,
): { name: string; group_address: string; dpt: string } {
  const group = formatGroupAddress(parseGroupAddress(address));
  if (seen.has(group)) throw new AddonError('badRequest', 'this address is in the file twice');
  if (dpt === undefined) throw new AddonError('badRequest', 'it has no datapoint type in ETS');
  const { id } = datapointType(dpt);
  seen.add(group);
  return { name: nameOf(name, `address ${group}`), group_address: group, dpt: id };
}

/** Names are kept as far as they can be; what a name may not hold becomes a space. */
function nameOf(name: string, otherwise: string): string {
  const kept = name
    .replace(/[^\p{L}\p{N} _/()+-]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^[^\p{L}\p{N}]+/u, '');
  const cut = kept.slice(0, DATAPOINT_NAME_MAX).trim();
  return isDatapointName(cut) ? cut : otherwise;
}

function devicesOf(groups: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>): JsonObject[] {
  const taken = new Set<string>();
  const devices: JsonObject[] = [];
  for (const [key, byName] of groups) {
    const datapoints = [...byName.values()];
    const range = (JSON.parse(key) as string[]).findLast((each) => each.trim() !== '')?.trim() ?? 'KNX';
    for (let at = 0; at < datapoints.length; at += DATAPOINTS_MAX) {
      const name = freeName(range.slice(0, DEVICE_NAME_MAX).trim(), taken);
      taken.add(name);
      devices.push({ name, parameters: { datapoints: datapoints.slice(at, at + DATAPOINTS_MAX) } });
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
