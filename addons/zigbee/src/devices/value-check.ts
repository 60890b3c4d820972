/**
 * Checks what a device is told against what its model exposes, before a frame is sent: what the model does not have, and
 * what lies outside its range, is refused with what it takes. Pure.
 */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';

/** What is looked at of an exposed feature (zigbee-herdsman-converters, `Expose`). */
export interface Feature {
  type: string;
  name?: string;
  property?: string | undefined;
  /** Bits: 1 told in readings, 2 may be set, 4 may be read. */
  access?: number;
  features?: readonly Feature[] | undefined;
  item_type?: Feature | undefined;
  value_min?: number;
  value_max?: number;
  unit?: string;
  values?: readonly (string | number)[];
  value_on?: string | boolean;
  value_off?: string | boolean;
  value_toggle?: string;
  presets?: readonly { name: string; value: number | string }[];
  length_min?: number;
  length_max?: number;
}

const READ = 4;
const WRITE = 2;
/** They hold other features, but are nothing that could be told itself. */
const GROUPS = new Set(['light', 'switch', 'lock', 'cover', 'fan', 'climate']);

/** Every feature that has a value of its own, by its name in readings and commands. */
export function featuresByProperty(exposes: readonly Feature[]): Map<string, Feature> {
  const features = new Map<string, Feature>();
  for (const expose of exposes) {
    if (GROUPS.has(expose.type)) {
      for (const [name, feature] of featuresByProperty(expose.features ?? [])) features.set(name, feature);
    } else {
      const name = expose.property ?? expose.name;
      if (name) features.set(name, expose);
    }
  }
  return features;
}

export function settable(features: ReadonlyMap<string, Feature>): string[] {
  return withAccess(features, WRITE);
}

export function readable(features: ReadonlyMap<string, Feature>): string[] {
  return withAccess(features, READ);
}

function withAccess(features: ReadonlyMap<string, Feature>, access: number): string[] {
  return [...features].filter(([, feature]) => ((feature.access ?? 0) & access) !== 0).map(([name]) => name);
}

/**
 * Checks the values whose features are exposed; the names in `alsoTaken` are those that converters take beyond these.
 * @throws AddonError badRequest naming the property and what it takes
 */
export function checkValues(
  values: JsonObject,
  features: ReadonlyMap<string, Feature>,
  alsoTaken: (name: string) => boolean,
): void {
  for (const [name, value] of Object.entries(values)) {
    const feature = features.get(name);
    if (feature && ((feature.access ?? WRITE) & WRITE) !== 0) checkValue(name, value, feature);
    else if (!alsoTaken(name)) {
      const names = settable(features);
      const what = feature ? `"${name}" can be read, but not set` : `this model has no "${name}"`;
      throw bad(what, names.length > 0 ? `it takes ${names.join(', ')}` : 'it takes no commands');
    }
  }
}

type Check = (name: string, value: JsonValue, feature: Feature) => void;

/** By the type of a feature; one of a type that is not here is taken as it is. */
const CHECKS: Readonly<Record<string, Check>> = {
  numeric: checkNumber,
  enum: checkOneOf,
  binary: checkBinary,
  composite: checkComposite,
  list: checkList,
  text: (name, value) => {
    if (typeof value !== 'string') throw bad(`"${name}" must be a text`);
  },
};

function checkValue(name: string, value: JsonValue, feature: Feature): void {
  CHECKS[feature.type]?.(name, value, feature);
}

function checkNumber(
  name: string,
  value: JsonValue,
  { value_min, value_max, unit, presets = [] }: Feature,
): void {
  if (presets.some((preset) => preset.name === value || preset.value === value)) return;
  const range = rangeOf(value_min, value_max, unit);
  if (typeof value !== 'number' || !Number.isFinite(value)) throw bad(`"${name}" must be a number${range}`);
  if ((value_min !== undefined && value < value_min) || (value_max !== undefined && value > value_max)) {
    throw bad(`"${name}" must be${range.replace(/^,/, '')}, and ${value} is not`);
  }
}

function rangeOf(min: number | undefined, max: number | undefined, unit = ''): string {
  const with_ = unit === '' ? '' : ` ${unit}`;
  if (min !== undefined && max !== undefined) return `, from ${min} to ${max}${with_}`;
  if (min !== undefined) return `, at least ${min}${with_}`;
  return max === undefined ? '' : `, at most ${max}${with_}`;
}

function checkOneOf(name: string, value: JsonValue, { values = [] }: Feature): void {
  const taken = values.some(
    (each) => each === value || String(each).toLowerCase() === String(value).toLowerCase(),
  );
  if (!taken || typeof value === 'object') throw bad(`"${name}" must be one of ${values.join(', ')}`);
}

function checkBinary(name: string, value: JsonValue, { value_on, value_off, value_toggle }: Feature): void {
  const values = [value_on, value_off, value_toggle].filter((each) => each !== undefined);
  const taken = values.some((each) => each === value || sameText(each, value));
  if (!taken) throw bad(`"${name}" must be one of ${values.map((each) => JSON.stringify(each)).join(', ')}`);
}

function sameText(one: string | boolean, other: JsonValue): boolean {
  return typeof one === 'string' && typeof other === 'string' && one.toLowerCase() === other.toLowerCase();
}

/** A colour may be told in several ways, of which the model lists some: its known parts are checked, others left. */
function checkComposite(name: string, value: JsonValue, { features = [] }: Feature): void {
  if (!isJsonObject(value)) {
    if (typeof value === 'string' && name.startsWith('color')) return;
    throw bad(
      `"${name}" must be an object of ${features.map((each) => each.property ?? each.name).join(', ')}`,
    );
  }
  for (const feature of features) {
    const inner = feature.property ?? feature.name ?? '';
    const part = value[inner];
    if (part !== undefined) checkValue(`${name}.${inner}`, part, feature);
  }
}

function checkList(name: string, value: JsonValue, { item_type, length_min = 0, length_max }: Feature): void {
  if (!Array.isArray(value)) throw bad(`"${name}" must be a list`);
  if (value.length < length_min || (length_max !== undefined && value.length > length_max)) {
    throw bad(`"${name}" must have${rangeOf(length_min, length_max, 'entries').replace(/^,/, '')}`);
  }
  if (item_type) for (const [index, item] of value.entries()) checkValue(`${name}.${index}`, item, item_type);
}

function bad(message: string, hint?: string): AddonError {
  return new AddonError('badRequest', message, { hint });
}
