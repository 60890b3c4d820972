/** What shall run: the supervisor's target. Pure. */
import type { JsonObject } from '../../model/json.ts';
import type { InstalledProtocol } from '../../model/protocol.ts';
import type { AddonPackage } from './addon-package.ts';

export interface DesiredAddon {
  slug: string;
  addon: AddonPackage;
  parameters: JsonObject;
}

/** With what its container is made from, where it is installed as one; a candidate takes the place of what ran. */
export function desiredAddon(
  addon: AddonPackage,
  { slug, parameters, container }: InstalledProtocol,
): DesiredAddon {
  if (!container) return { slug, addon, parameters };
  const { image, candidate } = container;
  const run = { image: candidate ?? image, standby: candidate && image, parameters };
  return { slug, addon: { ...addon, container: run }, parameters };
}
