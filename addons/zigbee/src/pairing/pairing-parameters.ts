/** What a Zigbee device is created with, as it comes with a pairing. */
import { AddonError, isJsonObject, type JsonObject } from '@gate/addon-sdk';

export interface PairingWishes {
  /** This very device, and no other. */
  ieeeAddress?: string;
  /** As printed on the device; the coordinator makes a key of its own for it. */
  installCode?: string;
  /** Undefined: as the type says. */
  touchlink?: boolean;
  /** How long something may take to join. */
  joinSeconds: number;
}

export const JOIN_SECONDS_DEFAULT = 30;
export const JOIN_SECONDS_MAX = 254;

/** @throws AddonError badRequest */
export function parseWishes(params: JsonObject): PairingWishes {
  const parameters = isJsonObject(params['parameters']) ? params['parameters'] : {};
  const { ieeeAddress, installCode, touchlink } = parameters;
  const { joinSeconds = JOIN_SECONDS_DEFAULT } = params;
  if (
    ieeeAddress !== undefined &&
    (typeof ieeeAddress !== 'string' || !/^0x[\da-f]{16}$/i.test(ieeeAddress))
  ) {
    throw bad('"ieeeAddress" must be 0x and sixteen hexadecimal digits');
  }
  if (installCode !== undefined && typeof installCode !== 'string') throw bad('"installCode" must be a text');
  if (touchlink !== undefined && typeof touchlink !== 'boolean')
    throw bad('"touchlink" must be true or false');
  if (typeof joinSeconds !== 'number' || joinSeconds < 1 || joinSeconds > JOIN_SECONDS_MAX) {
    throw bad(`"joinSeconds" must be a number from 1 to ${JOIN_SECONDS_MAX}`);
  }
  return {
    joinSeconds,
    ...(ieeeAddress === undefined ? {} : { ieeeAddress: ieeeAddress.toLowerCase() }),
    ...(installCode === undefined ? {} : { installCode }),
    ...(touchlink === undefined ? {} : { touchlink }),
  };
}

function bad(message: string): AddonError {
  return new AddonError('badRequest', message);
}

/** What the device's converters are told, such as calibrations. */
export function optionsIn(parameters: JsonObject): JsonObject {
  return isJsonObject(parameters['options']) ? parameters['options'] : {};
}
