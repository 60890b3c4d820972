/** What `scan` finds: coordinators, and devices that have joined and belong to nobody yet. */
import type { JsonObject } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { type Definitions, nameOf } from '../devices/definitions.ts';
import { typeIdOf } from '../type-id.ts';

const LABEL_MAX_CHARS = 200;

/** @param ownerOf the gateway's device behind one of the network */
export async function joinedCandidates(
  controller: Controller,
  definitions: Definitions,
  ownerOf: (ieeeAddress: string) => string | undefined,
): Promise<JsonObject[]> {
  const candidates: JsonObject[] = [];
  for (const device of controller.getDevicesIterator(({ type }) => type !== 'Coordinator')) {
    const { ieeeAddr: ieeeAddress, modelID } = device;
    if (ownerOf(ieeeAddress) !== undefined) continue;
    const model = await definitions.of(device).catch(() => undefined);
    const label = model ? nameOf(model) : (modelID ?? 'a device that does not say what it is');
    candidates.push({
      label: `${label}, joined and not yet paired`.slice(0, LABEL_MAX_CHARS),
      ...(model?.isSupported ? { type: typeIdOf(model.definition.vendor, model.definition.model) } : {}),
      parameters: { ieeeAddress },
    });
  }
  return candidates;
}
