/**
 * Where an attribute lies among a reading's values: a shape with the position of each of its keys. An attribute that
 * is an object covers a run of positions, so that only its own values are put together. Pure.
 */
import { isJsonObject, type JsonValue } from '../../model/json.ts';
import { joinData } from '../reading-shape.ts';

export interface ShapeNode {
  skeleton: JsonValue;
  /** Position of the first value below this node, and how many there are. */
  first: number;
  size: number;
  /** Absent on a value. */
  keys: ReadonlyMap<string, ShapeNode> | undefined;
}

/** @param skeleton parsed, as `splitData` made it */
export function positioned(skeleton: JsonValue, first = 0): ShapeNode {
  if (!isJsonObject(skeleton)) return { skeleton, first, size: 1, keys: undefined };
  const keys = new Map<string, ShapeNode>();
  let size = 0;
  for (const [key, inner] of Object.entries(skeleton)) {
    const node = positioned(inner, first + size);
    keys.set(key, node);
    size += node.size;
  }
  return { skeleton, first, size, keys };
}

/**
 * The attributes of a shape by name. They lie below `root` where the shape has it; what lies there without being
 * an object is one attribute, called as the last key of `root`.
 */
export function attributesOf(shape: ShapeNode, root: readonly string[]): ReadonlyMap<string, ShapeNode> {
  let node = shape;
  for (const key of root) {
    const inner = node.keys?.get(key);
    if (!inner) return shape.keys ?? new Map();
    node = inner;
  }
  return node.keys ?? new Map([[root.at(-1) ?? '', node]]);
}

/** By its own name first, then as a path: `a.b` is the key "a.b" before it is `b` in `a`. */
export function findAttribute(
  attributes: ReadonlyMap<string, ShapeNode>,
  name: string,
): ShapeNode | undefined {
  const exact = attributes.get(name);
  if (exact) return exact;
  for (let dot = name.lastIndexOf('.'); dot >= 0; dot = name.lastIndexOf('.', dot - 1)) {
    const keys = attributes.get(name.slice(0, dot))?.keys;
    const found = keys && findAttribute(keys, name.slice(dot + 1));
    if (found) return found;
    if (dot === 0) break;
  }
  return undefined;
}

/** @param values all values of the reading */
export function valueAt({ skeleton, first, size, keys }: ShapeNode, values: readonly JsonValue[]): JsonValue {
  return keys ? joinData(skeleton, values.slice(first, first + size)) : (values[first] ?? null);
}
