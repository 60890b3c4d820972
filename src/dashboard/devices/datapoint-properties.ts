/**
 * The datapoints of a KNX device as properties of a JSON Schema, by their datapoint types (KNX standard, 03_07_02): what
 * may be written to the bus, as docs/guides/knx.md has the values. Pure.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';

const SWITCH = { type: 'boolean' } as const;
const PERCENT = { type: 'integer', minimum: 0, maximum: 100, unit: '%' } as const;
const BYTE = { type: 'integer', minimum: 0, maximum: 255 } as const;
/** From frost to hot water; what the bus could carry goes from −273 °C to 670,760 °C. */
const TEMPERATURE = { type: 'number', minimum: 0, maximum: 95, step: 0.5, unit: '°C' } as const;
const SCENE = { type: 'integer', minimum: 0, maximum: 63 } as const;
const RGB = { type: 'object', properties: { red: BYTE, green: BYTE, blue: BYTE } } as const;

/** By main type and subtype, or by the main type alone. */
const SCHEMAS: Readonly<Record<string, JsonObject>> = {
  '1': SWITCH,
  '5': BYTE,
  '5.1': PERCENT,
  '5.3': { type: 'integer', minimum: 0, maximum: 360, unit: '°' },
  '5.4': { ...BYTE, unit: '%' },
  '6': { type: 'integer', minimum: -128, maximum: 127 },
  '7': { type: 'integer' },
  '8': { type: 'integer' },
  '9': { type: 'number' },
  '9.1': TEMPERATURE,
  '12': { type: 'integer' },
  '13': { type: 'integer' },
  '14': { type: 'number' },
  '16': { type: 'string' },
  '17': SCENE,
  '20': BYTE,
  '232': RGB,
};

/** Of a device that is one group address. */
const SINGLE_NAME = 'value';
/** As ETS shows it, 9.001, and as its exports have it, DPST-9-1. */
const DPT = /^(?:DPS?T-)?0*(\d+)(?:[.-]0*(\d+))?$/;

/** By the names of the datapoints, from a device's parameters; undefined for a device that has none. */
export function datapointProperties(parameters: JsonObject): JsonObject | undefined {
  const { datapoints, group_address, dpt } = parameters;
  if (Array.isArray(datapoints)) return Object.fromEntries(datapoints.flatMap(propertyOf));
  if (typeof group_address !== 'string' || typeof dpt !== 'string') return undefined;
  return Object.fromEntries(propertyOf({ ...parameters, name: SINGLE_NAME }));
}

function propertyOf(datapoint: JsonValue): [string, JsonObject][] {
  if (!isJsonObject(datapoint) || !isWritten(datapoint)) return [];
  const { name, dpt, unit } = datapoint;
  if (typeof name !== 'string' || typeof dpt !== 'string') return [];
  const [, main = '', sub = ''] = DPT.exec(dpt) ?? [];
  const schema = SCHEMAS[`${main}.${sub}`] ?? SCHEMAS[main];
  return schema ? [[name, { ...schema, ...(typeof unit === 'string' ? { unit } : {}) }]] : [];
}

/** Without flags a datapoint is whatever its address takes. */
function isWritten({ flags }: JsonObject): boolean {
  return !Array.isArray(flags) || flags.includes('write');
}
