/**
 * `npm run types:zigbee`: the catalogue of Zigbee device types, addons/zigbee/types.json, and what they can be told,
 * settable.json beside it, made from the definitions of zigbee-herdsman-converters: one line a type, or a schema with all
 * its types, in a fixed order, so that an update of the converters shows as the lines that changed. With `--stdout` both
 * are printed instead. The daemon reads the files and never loads the converters.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import {
  type Definition,
  type DefinitionWithExtend,
  prepareDefinition,
  setLogger,
} from 'zigbee-herdsman-converters';
import { typeIdOf } from '../addons/zigbee/src/type-id.ts';
import type { JsonObject } from '../src/model/json.ts';
import { type ExposedFeature, settableProperties } from './zigbee-types/settable-schema.ts';

const FILE = resolve(import.meta.dirname, '../addons/zigbee/types.json');
const SETTABLE_FILE = resolve(import.meta.dirname, '../addons/zigbee/settable.json');
const DESCRIPTION_MAX_CHARS = 300;

/** What the definitions do not say for each model is kept beside the catalogue. */
const TOUCHLINK_LIGHT_MAKERS: ReadonlySet<string> = new Set(
  (JSON.parse(readFileSync(join(dirname(FILE), 'touchlink.json'), 'utf8')) as { lightMakers: string[] })
    .lightMakers,
);
/** Zigbee Light Link, as a profile of an endpoint. */
const ZLL_PROFILE = 0xc05e;

/** What all have in common stands in the manifest, under `types.defaults`. */
interface TypeLine {
  id: string;
  manufacturer: string;
  model: string;
  description: string;
  fakeSampleLabel?: string;
  pairingMethods?: string[];
  features: string[];
}
/** A type, and what can be told to its devices. */
type Described = Pick<TypeLine, 'manufacturer' | 'model' | 'description' | 'features'> & {
  touchlink: boolean;
  settable: JsonObject;
};
type Exposes = Extract<Definition['exposes'], readonly unknown[]>;

const nothing = () => undefined;
setLogger({ debug: nothing, info: nothing, warning: nothing, error: nothing });

const require = createRequire(import.meta.url);
const devices = join(dirname(require.resolve('zigbee-herdsman-converters')), 'devices');
const types = new Map<string, TypeLine>();
const settable = new Map<string, JsonObject>();

for (const generic of [
  {
    model: 'ZIGBEE-DEVICE',
    description: 'Any Zigbee device: whatever joins is taken, and told what it is',
  },
  {
    model: 'ZIGBEE-BRIDGE',
    description: 'The Zigbee network itself: groups, scenes, bindings, reporting, firmware, backup',
  },
]) {
  add({ manufacturer: 'Generic', ...generic, features: [], touchlink: false, settable: {} });
}
for (const name of readdirSync(devices).filter((each) => each.endsWith('.js'))) {
  const { definitions = [] } = require(join(devices, name)) as { definitions?: DefinitionWithExtend[] };
  for (const definition of definitions) addDefinition(definition);
}

const sorted = [...types.values()].sort(
  (one, other) => compare(one.manufacturer, other.manufacturer) || compare(one.model, other.model),
);
for (const [file, entries] of [
  [FILE, sorted],
  [SETTABLE_FILE, settableLines(sorted.map(({ id }) => id))],
] as const) {
  const text = `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`;
  if (process.argv.includes('--stdout')) process.stdout.write(text);
  else {
    writeFileSync(file, text);
    console.log(`${entries.length} lines in ${file}, ${Buffer.byteLength(text)} bytes`);
  }
}

/** Most schemas are those of many types: each stands once, with the types that have it. */
function settableLines(ids: readonly string[]) {
  const lines = new Map<string, { types: string[]; settable: JsonObject }>();
  for (const id of ids) {
    const properties = settable.get(id) ?? {};
    if (Object.keys(properties).length === 0) continue;
    const key = JSON.stringify(properties);
    const line = lines.get(key) ?? { types: [], settable: { type: 'object', properties } };
    line.types.push(id);
    lines.set(key, line);
  }
  return [...lines.values()];
}

function addDefinition(raw: DefinitionWithExtend): void {
  const definition = prepareDefinition(raw);
  const exposes: Exposes =
    typeof definition.exposes === 'function'
      ? definition.exposes({ isDummyDevice: true } as never, {})
      : definition.exposes;
  const { vendor, model, description } = definition;
  const touchlink = hasTouchlink(definition, exposes);
  const features = featuresOf(exposes);
  const same = { features, touchlink, settable: settableProperties(exposes as readonly ExposedFeature[]) };
  add({ manufacturer: vendor, model, description, ...same });
  for (const label of definition.whiteLabel ?? []) {
    add({
      manufacturer: label.vendor ?? vendor,
      model: label.model,
      description: label.description ?? description,
      ...same,
    });
  }
}

function add({ manufacturer, model, description, features, touchlink, settable: told }: Described): void {
  const id = typeIdOf(manufacturer, model);
  // a model that is defined twice is told apart when it joins: to a person it is one type
  settable.set(id, { ...told, ...settable.get(id) });
  const before = types.get(id);
  if (before) {
    before.features = [...new Set([...before.features, ...features])];
    return;
  }
  const fakeSampleLabel = sampleLabelOf(features);
  types.set(id, {
    id,
    manufacturer,
    model,
    description: description.trim().slice(0, DESCRIPTION_MAX_CHARS),
    ...(fakeSampleLabel === undefined ? {} : { fakeSampleLabel }),
    ...(touchlink ? { pairingMethods: ['touchlink'] } : {}),
    features,
  });
}

function featuresOf(exposes: Exposes): string[] {
  const names = exposes.flatMap((expose) => {
    const inner = expose.type === 'composite' || expose.type === 'list' ? undefined : expose.features;
    const endpoint = expose.endpoint === undefined ? '' : `_${expose.endpoint}`;
    return inner
      ? inner.map((feature) => feature.property ?? `${feature.name}${endpoint}`)
      : [expose.property ?? expose.name];
  });
  return [...new Set(names.filter((name) => name !== 'linkquality'))];
}

function sampleLabelOf(features: readonly string[]): string | undefined {
  if (features.includes('state')) return 'onoff';
  return features.find((name) => ['temperature', 'humidity', 'contact', 'occupancy', 'power'].includes(name));
}

function hasTouchlink({ fingerprint = [], vendor }: Definition, exposes: Exposes): boolean {
  if (!exposes.some(({ type }) => type === 'light')) return false;
  const isZll = fingerprint.some(({ endpoints = [] }) =>
    endpoints.some(({ profileID }) => profileID === ZLL_PROFILE),
  );
  return isZll || TOUCHLINK_LIGHT_MAKERS.has(vendor);
}

/** By code points: the same on every machine, whatever its language. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
