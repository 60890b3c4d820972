/**
 * A reading's data in two parts: its skeleton (the keys, the same for almost all readings of a device, kept once)
 * and its values in the skeleton's order. `joinData` undoes `splitData` exactly. Pure.
 *
 * {"temperature":21.5,"relay":{"on":true}}  ⇄  {"temperature":0,"relay":{"on":0}}  +  [21.5,true]
 *
 * Objects are taken apart at every depth; an array is a value.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';

/** Skeleton of a reading that is kept whole, as one value. */
export const WHOLE_SKELETON = '0';

export interface SplitData {
  skeleton: string;
  values: JsonValue[];
}

export function splitData(data: JsonObject): SplitData {
  const values: JsonValue[] = [];
  return { skeleton: skeletonOf(data, values), values };
}

function skeletonOf(value: JsonObject, values: JsonValue[]): string {
  let text = '{';
  for (const key of Object.keys(value)) {
    const inner = value[key] as JsonValue;
    if (text.length > 1) text += ',';
    text += `${JSON.stringify(key)}:`;
    if (isJsonObject(inner)) text += skeletonOf(inner, values);
    else {
      values.push(inner);
      text += '0';
    }
  }
  return `${text}}`;
}

/** @param skeleton parsed, as `splitData` made it */
export function joinData(skeleton: JsonValue, values: readonly JsonValue[]): JsonObject {
  return join(skeleton, values, { next: 0 }) as JsonObject;
}

function join(skeleton: JsonValue, values: readonly JsonValue[], position: { next: number }): JsonValue {
  if (!isJsonObject(skeleton)) {
    const value = values[position.next] ?? null;
    position.next += 1;
    return value;
  }
  const object: JsonObject = {};
  for (const key of Object.keys(skeleton)) {
    const value = join(skeleton[key] as JsonValue, values, position);
    if (key === '__proto__') {
      // a plain assignment would set the prototype instead of a key
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    } else object[key] = value;
  }
  return object;
}
