/** Sets a device up as its model wants it: bindings, reporting, what its maker asks for. */
import type { AddonLog, JsonObject } from '@gate/addon-sdk';
import type { Controller, Models } from 'zigbee-herdsman';
import { type Definitions, type KnownModel, nameOf } from '../devices/definitions.ts';
import { tellModel } from '../devices/model-events.ts';
import { configurationFailed } from './pairing-failure.ts';

/** Devices that sleep answer seldom; a device that never does must not keep its pairing for ever. */
const CONFIGURE_DEADLINE_MS = 50_000;

export interface PreparedDevice {
  device: Models.Device;
  model: KnownModel;
  controller: Controller;
  definitions: Definitions;
  options: JsonObject;
  log: AddonLog;
}

/** @throws PairingFailure configurationFailed, bindingFailed */
export async function prepareDevice(parts: PreparedDevice): Promise<void> {
  const { device, model, controller } = parts;
  const { configure } = model.definition;
  const [coordinator] = controller.getDevicesByType('Coordinator');
  const endpoint = coordinator?.endpoints[0];
  if (configure && endpoint) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`it took longer than ${CONFIGURE_DEADLINE_MS / 1000} s`)),
        CONFIGURE_DEADLINE_MS,
      );
    });
    try {
      await Promise.race([configure(device, endpoint, model.definition), late]);
    } catch (error) {
      throw configurationFailed(error, nameOf(model));
    } finally {
      clearTimeout(timer);
    }
  }
  device.save();
  await tellModel(parts, 'deviceInterview');
  await tellModel(parts, 'start');
}
