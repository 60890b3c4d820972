/**
 * What converters want to hear of. Some models have clusters of their own that the library learns at their start, some are
 * to be polled from then on, some leave at once when a question of theirs is not answered while they join.
 */
import type { AddonLog, JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import type { Definitions, KnownModel } from './definitions.ts';

export interface ToldDevice {
  device: Models.Device;
  /** Undefined while it is not known. */
  model: KnownModel | undefined;
  options: JsonObject;
  definitions: Definitions;
  log: AddonLog;
}

/** What they throw concerns nobody else. */
export async function tellModel(
  { device, model, options, definitions, log }: ToldDevice,
  type: 'start' | 'deviceJoined' | 'deviceInterview' | 'deviceAnnounce',
): Promise<void> {
  const data = { device, deviceExposesChanged: () => undefined, state: {}, options: { ...options } };
  const event =
    type === 'deviceInterview' ? { type, data: { ...data, status: 'successful' as const } } : { type, data };
  try {
    const library = await definitions.library();
    library.onEvent(event);
    await model?.definition.onEvent?.(event);
  } catch (error) {
    log.info(`${device.modelID ?? device.ieeeAddr}: ${(error as Error).message}`);
  }
}

/** The device is not looked after any more: what its model does from time to time ends. */
export async function tellEnd({ definition }: KnownModel, ieeeAddr: string, log: AddonLog): Promise<void> {
  try {
    await definition.onEvent?.({ type: 'stop', data: { ieeeAddr } });
  } catch (error) {
    log.info(`${definition.vendor} ${definition.model}: ${(error as Error).message}`);
  }
}
