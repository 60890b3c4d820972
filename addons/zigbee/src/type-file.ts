/** The add-on's own look at its catalogue: one line of types.json, read when a pairing asks for it. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const FILE = resolve(import.meta.dirname, '../types.json');

export interface CatalogueType {
  id: string;
  manufacturer: string;
  model: string;
  description: string;
  pairingMethods?: string[];
}

/** Undefined for a type that this version does not have. The file has one type a line (scripts/zigbee-types.ts). */
export async function catalogueType(typeId: string): Promise<CatalogueType | undefined> {
  const text = await readFile(FILE, 'utf8');
  const at = text.indexOf(`{"id":${JSON.stringify(typeId)},`);
  if (at < 0) return undefined;
  const end = text.indexOf('\n', at);
  return JSON.parse(text.slice(at, end).replace(/,$/, '')) as CatalogueType;
}
