/** The families that this add-on knows. A further one is a file beside these, its type in addon.json, and a line here. */
import type { Family } from './family.ts';
import { homewizard } from './homewizard.ts';
import { shellyGen1 } from './shelly-gen1.ts';
import { shellyGen2 } from './shelly-gen2.ts';
import { tasmota } from './tasmota.ts';
import { wled } from './wled.ts';

export const FAMILIES: readonly Family[] = [shellyGen1, shellyGen2, tasmota, wled, homewizard];

export function familyOf(typeId: string | null | undefined): Family | undefined {
  return FAMILIES.find((family) => family.typeId === typeId);
}
