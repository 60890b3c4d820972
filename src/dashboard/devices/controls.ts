/**
 * What of a device can be set, and with which control: from the JSON Schema of what its type can be told (`settable`), or
 * from the datapoints of a KNX device. What has no control of its own has the raw form. Pure.
 */
import type { Device, DeviceType } from '../api/answers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';
import { datapointProperties } from './datapoint-properties.ts';
import type { Values } from './values.ts';

interface Named {
  name: string;
  /** Something that is set once, at leisure: how a device behaves, not what it does. */
  isSetting: boolean;
}
export interface SwitchControl extends Named {
  kind: 'switch';
  on: JsonValue;
  off: JsonValue;
}
export interface SliderControl extends Named {
  kind: 'slider';
  min: number;
  max: number;
  step: number;
  unit: string | undefined;
}
export interface SetpointControl extends Omit<SliderControl, 'kind'> {
  kind: 'setpoint';
}
export interface ColourControl extends Named {
  kind: 'colour';
  /** How the device takes it: `{hex}`, `{r, g, b}` or `{red, green, blue}`. */
  form: 'hex' | 'rgb' | 'names';
}
export interface CoverControl extends Named {
  kind: 'cover';
  /** Not all can be stopped on their way. */
  stops: boolean;
}
/** One of a few values; one alone is something to be done. */
export interface ChoiceControl extends Named {
  kind: 'choice';
  choices: readonly JsonValue[];
}
/** A number or a text to be typed. */
export interface EntryControl extends Named {
  kind: 'entry';
  type: 'number' | 'text';
  min: number | undefined;
  max: number | undefined;
  step: number | 'any';
  unit: string | undefined;
}
export type Control =
  | SwitchControl
  | SliderControl
  | SetpointControl
  | ColourControl
  | CoverControl
  | ChoiceControl
  | EntryControl;

const STATE = /^state(_\w+)?$/;
const SETPOINT = /(^|_)setpoint(_|$)/;
/** A finger does not find its place among more. */
const SLIDER_STEPS_MAX = 1_000;
/** Of setpoints that do not say theirs. */
const SETPOINT_STEP = 0.5;

export function controlsOf(device: Device, type: DeviceType | undefined, values: Values): Control[] {
  if (device.isVirtual) return [];
  return Object.entries(propertiesOf(device, type, values)).flatMap(([name, schema]) => {
    const control = controlOf(name, schema, values);
    return control ? [control] : [];
  });
}

/**
 * The first switch of a device that is one: what a card in the overview can do. Never a lock. Asked anew with each reading
 * of each device, so that nothing else is made on the way.
 */
export function mainSwitch(
  device: Device,
  type: DeviceType | undefined,
  values: Values,
): SwitchControl | undefined {
  if (device.isVirtual) return undefined;
  const isKnx = datapointProperties(device.parameters) !== undefined;
  for (const [name, schema] of Object.entries(propertiesOf(device, type, values))) {
    const control = isKnx || STATE.test(name) ? controlOf(name, schema, values) : undefined;
    if (control?.kind === 'switch' && (control.on === 'ON' || control.on === true)) return control;
  }
  return undefined;
}

function propertiesOf(device: Device, type: DeviceType | undefined, values: Values): JsonObject {
  return datapointProperties(device.parameters) ?? toldOf(type, values);
}

/** By name; of what a pattern allows, what the device has sent: a family of models has more than each of them. */
function toldOf(type: DeviceType | undefined, values: Values): JsonObject {
  const settable = (type?.settable ?? {}) as JsonObject;
  const told = { ...objectIn(settable, 'properties') };
  for (const [pattern, schema] of Object.entries(objectIn(settable, 'patternProperties'))) {
    for (const name of Object.keys(values).sort())
      if (!(name in told) && isMatch(pattern, name)) told[name] = schema;
  }
  return told;
}

function objectIn(schema: JsonObject, key: string): JsonObject {
  const inner = schema[key];
  return isJsonObject(inner) ? inner : {};
}

const expressions = new Map<string, RegExp | undefined>();

/** What is no pattern matches nothing. */
function isMatch(pattern: string, name: string): boolean {
  if (!expressions.has(pattern)) expressions.set(pattern, expressionOf(pattern));
  return expressions.get(pattern)?.test(name) ?? false;
}

function expressionOf(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}

function controlOf(name: string, schema: JsonValue, values: Values): Control | undefined {
  if (!isJsonObject(schema)) return undefined;
  const named = { name, isSetting: schema['category'] !== undefined };
  const choices = Array.isArray(schema['enum']) ? schema['enum'] : [];
  const said = values[name]?.value;
  if (isCover(name, { choices, said, values }))
    return { kind: 'cover', ...named, stops: choices.includes('STOP') };
  const { on, off, type } = schema;
  if (on !== undefined && off !== undefined) {
    // a channel that says something else than on and off is no switch just now
    return said === undefined || said === on || said === off
      ? { kind: 'switch', ...named, on, off }
      : undefined;
  }
  if (type === 'boolean') return { kind: 'switch', ...named, on: true, off: false };
  if (choices.length > 0) return { kind: 'choice', ...named, choices };
  if (type === 'number' || type === 'integer') return numberControl(named, schema);
  if (type === 'string')
    return {
      kind: 'entry',
      ...named,
      type: 'text',
      min: undefined,
      max: undefined,
      step: 'any',
      unit: undefined,
    };
  const form = type === 'object' ? colourForm(schema['properties']) : undefined;
  return form && { kind: 'colour', ...named, form };
}

/** What may be both is one where it has a position: a relay of two channels may drive a shutter. */
function isCover(
  name: string,
  { choices, said, values }: { choices: readonly JsonValue[]; said: JsonValue | undefined; values: Values },
): boolean {
  if (!choices.includes('OPEN') || !choices.includes('CLOSE')) return false;
  if (!choices.includes('ON')) return true;
  return said !== 'ON' && said !== 'OFF' && name.replace(/^state/, 'position') in values;
}

function numberControl(named: Named, schema: JsonObject): Control {
  const min = numberIn(schema, 'minimum');
  const max = numberIn(schema, 'maximum');
  const unit = typeof schema['unit'] === 'string' ? schema['unit'] : undefined;
  const isWhole = schema['type'] === 'integer';
  const given = numberIn(schema, 'step');
  if (min === undefined || max === undefined || max <= min)
    return { kind: 'entry', ...named, type: 'number', min, max, step: isWhole ? 1 : 'any', unit };
  if (unit === '°C' || SETPOINT.test(named.name))
    return { kind: 'setpoint', ...named, min, max, step: given ?? SETPOINT_STEP, unit };
  const step = given ?? (isWhole || max - min >= 10 ? 1 : (max - min) / 100);
  if ((max - min) / step > SLIDER_STEPS_MAX)
    return { kind: 'entry', ...named, type: 'number', min, max, step: isWhole ? 1 : 'any', unit };
  return { kind: 'slider', ...named, min, max, step, unit };
}

function numberIn(schema: JsonObject, key: string): number | undefined {
  const value = schema[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function colourForm(parts: JsonValue | undefined): ColourControl['form'] | undefined {
  if (!isJsonObject(parts)) return undefined;
  if ('hex' in parts) return 'hex';
  if ('r' in parts && 'g' in parts && 'b' in parts) return 'rgb';
  return 'red' in parts && 'green' in parts && 'blue' in parts && !('white' in parts) ? 'names' : undefined;
}
