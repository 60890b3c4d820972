/** What is known of a device's attributes, and which of them are seen first. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';

export interface Value {
  value: JsonValue;
  /** When it was measured, in milliseconds since 1970. */
  at: number;
}
export type Values = Readonly<Record<string, Value>>;

/** What is of use in an overview, most useful first. */
const FIRST = [
  'temperature',
  'local_temperature',
  'humidity',
  'state',
  'power',
  'position',
  'contact',
  'occupancy',
  'water_leak',
  'smoke',
  'action',
  'co2',
  'illuminance',
  'pressure',
  'brightness',
  'occupied_heating_setpoint',
  'current_heating_setpoint',
  'energy',
  'value',
];
/** How the device itself does: for its own page. */
const OF_THE_DEVICE =
  /^(linkquality|rssi|uptime|battery.*|voltage|update.*|isVirtualData|.*_unit|color_mode|device_temperature|power_on_behavior|last_seen|.*_calibration|system_mode|running_state|time|unixtime|serial|mac|has_update|cfg_changed_cnt|ram_.*|fs_.*|identify|options)$/;

/** Below this a battery is to be changed, as the gateway has it. */
export const BATTERY_LOW_PERCENT = 10;

/** What a reading says: of HTTP devices what lies in the wrapper. */
export function attributesIn(data: JsonObject): JsonObject {
  const { type, message } = data;
  if (type !== 'data' || !isJsonObject(message) || !('data' in message)) return data;
  const inner = message['data'] as JsonValue;
  return isJsonObject(inner) ? inner : { data: inner };
}

/** Up to `count` names of `values`, most useful first. */
export function namesAtAGlance(values: Values, count: number): string[] {
  const shown = Object.keys(values).filter((name) => isShort(values[name]?.value));
  const ranked = shown.filter((name) => !OF_THE_DEVICE.test(name));
  const rank = (name: string) => {
    const at = FIRST.indexOf(name);
    return at < 0 ? FIRST.length : at;
  };
  ranked.sort((a, b) => rank(a) - rank(b));
  return (ranked.length > 0 ? ranked : shown).slice(0, count);
}

/** All names, in an order that stays: those at a glance first. */
export function namesInOrder(values: Values): string[] {
  const names = Object.keys(values).filter((name) => !isUnit(name, values));
  const first = namesAtAGlance(values, names.length).filter((name) => names.includes(name));
  return [...first, ...names.filter((name) => !first.includes(name)).sort()];
}

/** KNX says the unit of a value beside it. */
export function unitBeside(name: string, values: Values): string | undefined {
  const unit = values[`${name}_unit`]?.value;
  return typeof unit === 'string' ? unit : undefined;
}

export function isUnit(name: string, values: Values): boolean {
  return name.endsWith('_unit') && name.slice(0, -'_unit'.length) in values;
}

export function batteryOf(values: Values): number | undefined {
  const battery = values['battery']?.value;
  return typeof battery === 'number' ? battery : undefined;
}

/** Numbers, and what is on or off, can be drawn. */
export function isDrawable(value: JsonValue | undefined): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function isShort(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && typeof value !== 'object';
}
