/**
 * Touchlink: a lamp that is held near the coordinator is reset from there, and then joins as any other (ZLL, clause
 * 7.1.2.2.3, reset to factory new). Only one that nobody here knows: a lamp of this network is left alone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Controller } from 'zigbee-herdsman';

/** After a reset the library's radio is deaf for so long. */
const SETTLE_MS = 500;

export interface TouchlinkWish {
  /** Devices that are in the network already. */
  others: readonly string[];
  only: string | undefined;
  /** Asked again before anything is reset. */
  isWanted: () => boolean;
}

/** @returns the lamp that was reset; undefined when none is near, or none is wanted any more */
export async function touchlinkReset(
  controller: Controller,
  { others, only, isWanted }: TouchlinkWish,
): Promise<string | undefined> {
  if (!isWanted()) return undefined;
  const near = await controller.touchlink.scan();
  const found = near.find(
    ({ ieeeAddr }) => !others.includes(ieeeAddr) && (only === undefined || only === ieeeAddr),
  );
  if (!found || !isWanted()) return undefined;
  await controller.touchlink.factoryReset(found.ieeeAddr, found.channel);
  await pause(SETTLE_MS);
  return found.ieeeAddr;
}
