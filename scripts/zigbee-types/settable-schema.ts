/**
 * What the devices of a Zigbee model can be told, as JSON Schema, from what its definition exposes. Keywords besides those
 * of JSON Schema are told in docs/specs/addon-contract.md. Pure.
 */
import { type Feature, featuresByProperty, settable } from '../../addons/zigbee/src/devices/value-check.ts';
import type { JsonObject } from '../../src/model/json.ts';

/** A feature as the definitions have it, with what the add-on does not look at. */
export interface ExposedFeature extends Feature {
  value_step?: number;
  category?: string;
}

/** The properties of the schema; none where nothing can be told. */
export function settableProperties(exposes: readonly ExposedFeature[]): JsonObject {
  const features: ReadonlyMap<string, ExposedFeature> = featuresByProperty(exposes);
  return Object.fromEntries(
    settable(features).map((name) => [name, schemaOf(name, features.get(name) as ExposedFeature)]),
  );
}

/** How a device behaves rather than what it does: the definitions say it of some, and of others their names do. */
const SETTING =
  /(^|_)(startup|calibration|offset|sensitivity|threshold|interval|lockout|memory|behavior|indicator|led|backlight|schedule|limit|ballast|min|max|unit|deadzone|protection)(_|$)|^(child_lock|level_config)/;

function schemaOf(name: string, feature: ExposedFeature): JsonObject {
  const category = feature.category ?? (SETTING.test(name) ? 'config' : undefined);
  return { ...valueSchema(name, feature), ...(category === undefined ? {} : { category }) };
}

function valueSchema(name: string, feature: ExposedFeature): JsonObject {
  switch (feature.type) {
    case 'binary':
      return switchSchema(feature);
    case 'numeric':
      return numberSchema(feature);
    case 'enum':
      return { enum: [...(feature.values ?? [])] };
    case 'text':
      return { type: 'string' };
    case 'list':
      return {
        type: 'array',
        ...(feature.item_type ? { items: valueSchema('', feature.item_type) } : {}),
        ...given({ minItems: feature.length_min, maxItems: feature.length_max }),
      };
    case 'composite':
      return { type: 'object', properties: { ...colourParts(name), ...partsOf(feature) } };
    default:
      return {};
  }
}

function switchSchema({ value_on: on, value_off: off, value_toggle: toggle }: ExposedFeature): JsonObject {
  const values = [on, off, toggle].filter((value) => value !== undefined);
  return { enum: values, ...given({ on, off }) };
}

function numberSchema({ value_min, value_max, value_step, unit }: ExposedFeature): JsonObject {
  return { type: 'number', ...given({ minimum: value_min, maximum: value_max, step: value_step, unit }) };
}

/** Every colour is taken in this form too, whatever the form that a lamp tells it in. */
function colourParts(name: string): JsonObject {
  return /^color(_|$)/.test(name) && !/options|mode/.test(name)
    ? { hex: { type: 'string', pattern: '^#[0-9A-Fa-f]{6}$' } }
    : {};
}

function partsOf({ features = [] }: ExposedFeature): JsonObject {
  return Object.fromEntries(
    features.map((each) => {
      const name = each.property ?? each.name ?? '';
      return [name, valueSchema(name, each)];
    }),
  );
}

function given(values: Record<string, string | number | boolean | undefined>): JsonObject {
  return Object.fromEntries(
    Object.entries(values).filter(
      (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
    ),
  );
}
