/** JSON values as RFC 8259 has them. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True when no array or object in `value` lies deeper than `limit` (the value itself is depth 1). */
export function withinDepth(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (limit <= 0) return false;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (!withinDepth(inner, limit - 1)) return false;
  }
  return true;
}
