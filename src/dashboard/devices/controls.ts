/**
 * What of a device can be set, and with which control: from the names that its type has (`features`), the datapoints of a
 * KNX device, and what it says of itself. Only what the name alone makes certain; everything else has the raw form. Pure.
 */

import type { Device, DeviceType } from '../api/answers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';
import type { Values } from './values.ts';

export interface SwitchControl {
  kind: 'switch';
  name: string;
  on: JsonValue;
  off: JsonValue;
}
export interface SliderControl {
  kind: 'slider';
  name: string;
  min: number;
  max: number;
  step: number;
  unit: string | undefined;
}
export interface SetpointControl extends Omit<SliderControl, 'kind'> {
  kind: 'setpoint';
}
export interface ColourControl {
  kind: 'colour';
  name: string;
  /** How the device takes it. */
  form: 'hex' | 'rgb';
}
export interface CoverControl {
  kind: 'cover';
  name: string;
}
export type Control = SwitchControl | SliderControl | SetpointControl | ColourControl | CoverControl;

const STATE = /^state(_\w+)?$/;
const SETPOINT = /^(occupied|unoccupied|current)_(heating|cooling)_setpoint$/;
const PERCENT = { min: 0, max: 100, step: 1, unit: '%' } as const;
/** Of lamps: 2,000 K to 6,500 K. */
const COLOUR_TEMPERATURE = { min: 153, max: 500, step: 1, unit: 'mired' } as const;
const ROOM_TEMPERATURE = { min: 5, max: 35, step: 0.5, unit: '°C' } as const;
/** HTTP devices whose brightness goes to 255 (docs/guides/http.md). */
const BRIGHTNESS_255 = /^(WLED|HomeWizard)/i;
const ZIGBEE_BRIGHTNESS_MAX = 254;

export function controlsOf(device: Device, type: DeviceType | undefined, values: Values): Control[] {
  if (device.isVirtual) return [];
  const datapoints = device.parameters['datapoints'];
  if (Array.isArray(datapoints)) return datapoints.flatMap((each) => datapointControl(each as JsonValue));
  // a family of HTTP devices has the names of all its models: only what this one has sent is there
  const features = (type?.features ?? []).filter((name) => isZigbee(type) || name in values);
  const isCover = features.includes('position');
  return features.flatMap((name): Control[] => {
    if (STATE.test(name)) {
      if (isCover) return name === 'state' ? [{ kind: 'cover', name }] : [];
      return isSwitched(values[name]?.value) ? [{ kind: 'switch', name, on: 'ON', off: 'OFF' }] : [];
    }
    if (name === 'position') return [{ kind: 'slider', name, ...PERCENT }];
    if (name === 'brightness') return [{ kind: 'slider', name, ...brightness(type) }];
    if (name === 'color_temp') return [{ kind: 'slider', name, ...COLOUR_TEMPERATURE }];
    if (name === 'color') return [{ kind: 'colour', name, form: isZigbee(type) ? 'hex' : 'rgb' }];
    if (SETPOINT.test(name)) return [{ kind: 'setpoint', name, ...ROOM_TEMPERATURE }];
    return [];
  });
}

/** The first switch of a device: what a card in the overview can do. */
export function mainSwitch(device: Device, type: DeviceType | undefined, values: Values) {
  return controlsOf(device, type, values).find(
    (control): control is SwitchControl => control.kind === 'switch',
  );
}

/** Not heard of yet counts as one; what says something else (a cover's "OPEN", an alarm's) does not. */
function isSwitched(value: JsonValue | undefined): boolean {
  return value === undefined || value === 'ON' || value === 'OFF';
}

function isZigbee(type: DeviceType | undefined): boolean {
  return type?.addOn?.includes('zigbee') ?? false;
}

function brightness(type: DeviceType | undefined) {
  if (isZigbee(type)) return { min: 0, max: ZIGBEE_BRIGHTNESS_MAX, step: 1, unit: undefined };
  if (BRIGHTNESS_255.test(type?.manufacturer ?? '')) return { min: 0, max: 255, step: 1, unit: undefined };
  return PERCENT;
}

/** By its type (KNX, 03_07_02): what it can be told it is told by the group address it is written to. */
function datapointControl(datapoint: JsonValue): Control[] {
  if (!isJsonObject(datapoint) || !isWritten(datapoint)) return [];
  const { name, dpt } = datapoint;
  if (typeof name !== 'string' || typeof dpt !== 'string') return [];
  if (/^1\./.test(dpt)) return [{ kind: 'switch', name, on: true, off: false }];
  if (dpt === '5.001') return [{ kind: 'slider', name, ...PERCENT }];
  if (dpt === '9.001') return [{ kind: 'setpoint', name, ...ROOM_TEMPERATURE }];
  return [];
}

/** Without flags a datapoint is whatever its address takes. */
function isWritten({ flags }: JsonObject): boolean {
  return !Array.isArray(flags) || flags.includes('write');
}
