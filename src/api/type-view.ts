/** A device type in the documented order of keys, `parameters` after them. Pure. */
import type { CatalogueEntry } from '../core/type-catalogue.ts';

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
