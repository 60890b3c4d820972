/**
 * The stable id of a Zigbee device type: a name-based UUID (RFC 9562, version 5) of its manufacturer and model. The
 * same model has the same id on every box and in every version, and the add-on can work it out of what has joined
 * without the catalogue.
 */
import { createHash } from 'node:crypto';

/** Namespace of these ids; never to be changed. */
const NAMESPACE = Buffer.from('5d2c2e0e7d0f4b7f9f0b6a3c1e8a4d52', 'hex');

export function typeIdOf(manufacturer: string, model: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(`${manufacturer}\0${model}`, 'utf8').digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Any device that joins. */
export const ANY_DEVICE_TYPE = typeIdOf('Generic', 'ZIGBEE-DEVICE');
/** The network itself: groups, scenes, bindings, reporting, firmware, backup. */
export const BRIDGE_TYPE = typeIdOf('Generic', 'ZIGBEE-BRIDGE');
