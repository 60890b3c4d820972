/** What the add-on is given of its server and of a device, parsed once: from here on addresses and types are right. */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { type DatapointType, datapointType } from './dpt/datapoint-type.ts';
import { parseGroupAddress, parseIndividualAddress } from './wire/address.ts';
import type { Endpoint } from './wire/ip-frame.ts';

/** The one device type of the manifest. */
export const KNX_DEVICE_TYPE = '8d6f3b52-6b0c-4f0e-9a55-2f4c1d7be3a1';
export const KNX_PORT = 3_671;
export const TRANSPORTS = ['udp', 'tcp', 'routing'] as const;
export const FLAGS = ['read', 'write', 'listen', 'respond'] as const;
export type Flag = (typeof FLAGS)[number];
const DEFAULT_FLAGS: readonly Flag[] = ['read', 'write', 'listen'];
/** The datapoint of a device in the documented form. */
export const SINGLE_NAME = 'value';
export const DATAPOINTS_MAX = 250;
/** Besides letters of any alphabet and digits: what names in ETS have; no dot, which is a path in the history API. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} _/()+-]{0,63}$/u;
/** Keys that stand beside values in readings and answers. */
export const UNANSWERED = 'unanswered';
const FLAGS_SUFFIX = '_flags';
const UNIT_SUFFIX = '_unit';
const UNIT_MAX_CHARS = 32;

export interface ServerParameters {
  server: Endpoint;
  transport: (typeof TRANSPORTS)[number];
  individualAddress: number | undefined;
  routeBack: boolean;
}

/** One named value of a device. */
export interface Datapoint {
  name: string;
  /** Where it is written to. */
  groupAddress: number;
  /** Where its value is told and read: the status address where there is one, else the group address. */
  stateAddress: number;
  type: DatapointType;
  flags: ReadonlySet<Flag>;
  /** As it was given, else the type's; undefined where there is none. */
  unit: string | undefined;
}

/** @throws AddonError badRequest */
export function parseServer(parameters: JsonObject): ServerParameters {
  const { ip_address: host, port = KNX_PORT, transport = 'udp', individual_address: address } = parameters;
  if (typeof host !== 'string' || !/^[A-Za-z0-9_.-]{1,253}$/.test(host)) {
    throw bad(
      'no KNXnet/IP server is given: "ip_address" is missing, or no IPv4 address or host name',
      'a scan lists the servers in this network; install KNX again with the "ip_address" of one',
    );
  }
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
    throw bad('"port" must be a whole number from 1 to 65535');
  }
  const known = TRANSPORTS.find((each) => each === transport);
  if (known === undefined) throw bad(`"transport" must be one of ${TRANSPORTS.join(', ')}`);
  const given = address !== undefined && address !== null && address !== '';
  return {
    server: { host, port: port as number },
    transport: known,
    individualAddress: given ? parseIndividualAddress(address) : undefined,
    routeBack: parameters['route_back'] === true,
  };
}

/** A device in the documented form, or with `datapoints`. @throws AddonError badRequest, naming the datapoint */
export function parseDevice(parameters: JsonObject): Datapoint[] {
  const { individual_address: address, datapoints: list, ...single } = parameters;
  if (address !== undefined && address !== null && address !== '') parseIndividualAddress(address);
  if (list === undefined) return [parseDatapoint({ ...single, name: SINGLE_NAME })];
  if (!Array.isArray(list) || list.length === 0) throw bad('"datapoints" must be a list of one at least');
  if (list.length > DATAPOINTS_MAX) throw bad(`a device has at most ${DATAPOINTS_MAX} datapoints`);
  const datapoints = list.map((each) => parseDatapoint(isJsonObject(each) ? each : {}));
  const names = datapoints.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw bad(`two datapoints are called "${twice}"`, 'give each a name of its own');
  return datapoints;
}

export function isDatapointName(name: JsonValue | undefined): name is string {
  if (typeof name !== 'string' || !NAME.test(name)) return false;
  return name !== UNANSWERED && !name.endsWith(FLAGS_SUFFIX) && !name.endsWith(UNIT_SUFFIX);
}

function parseDatapoint(given: JsonObject): Datapoint {
  const { name } = given;
  if (!isDatapointName(name)) {
    throw bad(
      `${JSON.stringify(name ?? null)} is no name of a datapoint`,
      `1 to 64 letters, digits, spaces, "_", "/", "(", ")", "+" and "-"; not "${UNANSWERED}", no "${FLAGS_SUFFIX}" or "${UNIT_SUFFIX}" at the end`,
    );
  }
  try {
    const groupAddress = parseGroupAddress(given['group_address']);
    const status = given['status_address'] ?? '';
    const type = datapointType(given['dpt']);
    return {
      name,
      groupAddress,
      stateAddress: status === '' ? groupAddress : parseGroupAddress(status),
      type,
      unit: parseUnit(given['unit']) ?? type.unit,
      flags: parseFlags(given['flags'] ?? [...DEFAULT_FLAGS]),
    };
  } catch (error) {
    if (!(error instanceof AddonError)) throw error;
    throw bad(`datapoint "${name}": ${error.message}`, error.hint);
  }
}

function parseFlags(flags: JsonValue): ReadonlySet<Flag> {
  if (Array.isArray(flags) && flags.every((flag) => FLAGS.includes(flag as Flag))) {
    return new Set(flags as Flag[]);
  }
  throw bad(`"flags" must be a list of ${FLAGS.join(', ')}`);
}

function parseUnit(unit: JsonValue | undefined): string | undefined {
  if (unit === undefined || unit === null || unit === '') return undefined;
  if (typeof unit === 'string' && unit.length <= UNIT_MAX_CHARS) return unit;
  throw bad(`"unit" must be a text of at most ${UNIT_MAX_CHARS} characters`);
}

/** How a value stands in a reading: its unit, and the flags of a date and time, are beside it. */
export function readingOf({ name, type, unit }: Datapoint, value: JsonValue): JsonObject {
  if (!isClock(type) || !isJsonObject(value)) {
    return unit === undefined ? { [name]: value } : { [name]: value, [`${name}${UNIT_SUFFIX}`]: unit };
  }
  return { [name]: value['value'] as JsonValue, [`${name}${FLAGS_SUFFIX}`]: value['flags'] as JsonValue };
}

/** The values that a `set` gives, by datapoint, in its order. @throws AddonError badRequest */
export function valuesOf(params: JsonObject, datapoints: readonly Datapoint[]): [Datapoint, JsonValue][] {
  const values = new Map<Datapoint, JsonValue>();
  const flags = new Map<Datapoint, JsonValue>();
  for (const [key, value] of Object.entries(params)) {
    const named = datapoints.find(({ name }) => name === key);
    const flagged = datapoints.find(({ name, type }) => isClock(type) && key === `${name}${FLAGS_SUFFIX}`);
    const measured = datapoints.find(({ name }) => key === `${name}${UNIT_SUFFIX}`);
    if (named) values.set(named, value);
    else if (flagged) flags.set(flagged, value);
    else if (measured) checkUnit(measured, value);
    else throw bad(`there is no datapoint "${key.slice(0, 64)}"`, namesHint(datapoints));
  }
  for (const [datapoint, given] of flags) {
    const value = values.get(datapoint);
    if (value === undefined)
      throw bad(`"${datapoint.name}${FLAGS_SUFFIX}" comes without "${datapoint.name}"`);
    values.set(datapoint, { value, flags: given });
  }
  if (values.size === 0) throw bad('nothing to set', namesHint(datapoints));
  return [...values];
}

/** A reading may be sent back as it came; a value in another unit is not converted. */
function checkUnit({ name, unit }: Datapoint, given: JsonValue): void {
  if (given === unit) return;
  throw bad(
    `"${name}" is in ${unit ?? 'no unit'}, not in ${JSON.stringify(given).slice(0, 64)}`,
    `leave "${name}${UNIT_SUFFIX}" out, or give the value in the datapoint's own unit`,
  );
}

export function namesHint(datapoints: readonly Datapoint[]): string {
  const names = datapoints.map(({ name }) => name);
  return `its datapoints: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
}

function isClock({ id }: DatapointType): boolean {
  return /^19\b/.test(id);
}

function bad(message: string, hint?: string): AddonError {
  return new AddonError('badRequest', message, { hint });
}
