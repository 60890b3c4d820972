/**
 * Which attributes a device has ever sent, and where they lie in each of its shapes: known from `device_shape`
 * without a look at any reading. Positions are computed once for each shape and kept for the latest of them.
 */
import { GatewayError } from '../../model/error.ts';
import { HISTORY_ATTRIBUTES_MAX, type HistoryRequest } from '../../model/history.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { splitData, WHOLE_SKELETON } from '../reading-shape.ts';
import type { Database, Statement } from '../sqlite.ts';
import { attributesOf, findAttribute, positioned, type ShapeNode, valueAt } from './attribute-shape.ts';

/** Shapes whose positions are kept. */
const SHAPES_KEPT_MAX = 512;

/** One attribute asked for, and where it lies. */
export interface Place {
  attribute: string;
  node: ShapeNode;
}

export type TakeValue = (attribute: string, value: JsonValue) => void;

/** What was asked of one device, ready to be read off its readings. */
export interface AttributePlan {
  /** Attributes the answer has, in its order; more may turn up where `open`. */
  attributes: readonly string[];
  /** Shapes that may hold one of them. */
  shapes: readonly number[];
  /** How many of the attributes some shape is known to hold. */
  known: number;
  /** How many of them can have values at all: a walk does not wait for the others. */
  fillable: number;
  /** The device has readings that are kept whole: only they themselves tell what they hold. */
  whole: boolean;
  /** Every attribute is asked for, and some may be known only by reading. */
  open: boolean;
  /** Where they lie in a shape; empty where it has none of them, and for readings that are kept whole. */
  placesIn: (shape: number) => readonly Place[];
  /** Hands over what one reading has of them. */
  read: (shape: number, vals: string, take: TakeValue) => void;
}

export class DeviceAttributes {
  readonly #shapes = new Map<number, ShapeNode | 'whole'>();
  readonly #ofDevice: Statement;
  readonly #skeleton: Statement;

  constructor(database: Database) {
    this.#ofDevice = database.prepare('SELECT shape FROM device_shape WHERE dev = ? ORDER BY shape');
    this.#skeleton = database.prepare('SELECT skeleton FROM shape WHERE k = ?');
  }

  /** @throws GatewayError badRequest when every attribute is asked for and there are too many */
  plan(dev: number, { root, attributes: asked }: HistoryRequest): AttributePlan {
    const places = new Map<number, Place[]>();
    const found = new Set<string>();
    let whole = false;
    for (const row of this.#ofDevice.iterate(dev)) {
      const k = Number(row['shape']);
      const shape = this.#shape(k);
      if (shape === 'whole') whole = true;
      const here = shape === 'whole' ? [] : placesIn(attributesOf(shape, root), asked);
      for (const { attribute } of here) found.add(attribute);
      if (here.length > 0 || shape === 'whole') places.set(k, here);
      refuseTooMany(found.size);
    }
    return {
      attributes: asked ?? [...found],
      shapes: [...places.keys()],
      known: found.size,
      fillable: whole && asked ? asked.length : found.size,
      whole,
      open: asked === undefined && whole,
      placesIn: (shape) => places.get(shape) ?? [],
      read: (shape, vals, take) => {
        const values = JSON.parse(vals) as JsonValue[];
        if (this.#shape(shape) === 'whole') readWhole(values[0] as JsonObject, { root, asked }, take);
        else
          for (const { attribute, node } of places.get(shape) ?? []) take(attribute, valueAt(node, values));
      },
    };
  }

  #shape(k: number): ShapeNode | 'whole' {
    const kept = this.#shapes.get(k);
    if (kept) return kept;
    const skeleton = String(this.#skeleton.get(k)?.['skeleton']);
    const shape = skeleton === WHOLE_SKELETON ? 'whole' : positioned(JSON.parse(skeleton) as JsonValue);
    if (this.#shapes.size >= SHAPES_KEPT_MAX) this.#shapes.delete(this.#shapes.keys().next().value as number);
    this.#shapes.set(k, shape);
    return shape;
  }
}

function placesIn(attributes: ReadonlyMap<string, ShapeNode>, asked: readonly string[] | undefined): Place[] {
  if (!asked) return [...attributes].map(([attribute, node]) => ({ attribute, node }));
  return asked.flatMap((attribute) => {
    const node = findAttribute(attributes, attribute);
    return node ? [{ attribute, node }] : [];
  });
}

/** Rare, and so simple: the reading is taken apart as if it were stored now. */
function readWhole(
  data: JsonObject,
  { root, asked }: { root: readonly string[]; asked: readonly string[] | undefined },
  take: TakeValue,
): void {
  const { skeleton, values } = splitData(data);
  const attributes = attributesOf(positioned(JSON.parse(skeleton) as JsonValue), root);
  for (const { attribute, node } of placesIn(attributes, asked)) take(attribute, valueAt(node, values));
}

/** @throws GatewayError badRequest */
export function refuseTooMany(attributes: number): void {
  if (attributes <= HISTORY_ATTRIBUTES_MAX) return;
  const message = `must name the attributes: this device has sent more than ${HISTORY_ATTRIBUTES_MAX}`;
  throw new GatewayError('badRequest', `query: "attr" ${message}`, { errors: [{ field: 'attr', message }] });
}
