/** A device type in the documented order of keys, `parameters` after them. Pure. */
import * as v from 'valibot';
import type { CatalogueEntry } from '../../core/devices/type-catalogue.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import { text } from '../schemas.ts';

const texts = v.array(v.string());
export const typeViewSchema = v.object({
  addOn: text('Package name of the add-on'),
  description: v.string(),
  fakeSampleLabel: text('What a virtual device of this type generates'),
  id: v.string(),
  manufacturer: v.string(),
  model: v.string(),
  pairingMethods: texts,
  physicalParameter: texts,
  protocols: texts,
  rooms: texts,
  space: texts,
  type: v.string(),
  features: v.optional(texts),
  parameters: v.optional(jsonObjectSchema),
});

/** One type by its id: with what its devices can be told, which would weigh too much in a list of thousands. */
export const wholeTypeSchema = v.object({
  ...typeViewSchema.entries,
  settable: v.optional(
    v.pipe(
      jsonObjectSchema,
      v.description('JSON Schema of the values that its devices can be told (docs/specs/addon-contract.md)'),
    ),
  ),
});

/** What a type is found by. */
export const typeNameSchema = v.object({
  id: v.string(),
  manufacturer: v.string(),
  model: v.string(),
  description: v.string(),
  protocol: text('Slug of the protocol that speaks to it'),
});

export function typeName({ id, manufacturer, model, description, protocol }: CatalogueEntry) {
  return { id, manufacturer, model, description, protocol };
}

export function typeView(entry: CatalogueEntry) {
  const { description, id, manufacturer, model, pairingMethods, physicalParameter } = entry;
  return {
    // the document has both texts in every type: a manifest that leaves them out says no more than this
    addOn: entry.addOn ?? entry.protocol,
    description,
    fakeSampleLabel: entry.fakeSampleLabel ?? '',
    id,
    manufacturer,
    model,
    pairingMethods,
    physicalParameter,
    protocols: entry.protocols,
    rooms: entry.rooms,
    space: entry.space,
    type: entry.type,
    ...(entry.features === undefined ? {} : { features: entry.features }),
    ...(entry.parameters === undefined ? {} : { parameters: entry.parameters }),
  };
}

export function wholeType(entry: CatalogueEntry) {
  return { ...typeView(entry), ...(entry.settable === undefined ? {} : { settable: entry.settable }) };
}
