/** What concerns the network as a whole: what it is, its backup, its channel, a stick that is to be taken over. */
import type { JsonObject } from '@gate/addon-sdk';
import { type Definitions, nameOf } from '../devices/definitions.ts';
import { removeFromNetwork } from '../devices/remove-device.ts';
import type { NetworkBackup } from '../network/network-backup.ts';
import type { Radio } from '../network/radio.ts';
import { badVerb, textOf, type VerbHouse, type Verbs, wholeOf } from './verb.ts';

export interface NetworkVerbParts {
  house: VerbHouse;
  radio: Radio;
  backup: NetworkBackup;
  definitions: Definitions;
}

export function networkVerbs({ house, radio, backup, definitions }: NetworkVerbParts): Verbs {
  return {
    /** Channel, coordinator, devices, groups; no key and no PAN id. */
    describeNetwork: async () => {
      const controller = house.controller();
      const { type, meta } = await controller.getCoordinatorVersion();
      const { channel } = await controller.getNetworkParameters();
      const devices: JsonObject[] = [];
      for (const device of controller.getDevicesIterator((each) => each.type !== 'Coordinator')) {
        const model = await definitions.of(device).catch(() => undefined);
        const deviceId = house.ownerOf(device.ieeeAddr);
        devices.push({
          ieeeAddress: device.ieeeAddr,
          role: device.type,
          model: model ? nameOf(model) : (device.modelID ?? null),
          linkquality: device.linkquality ?? null,
          lastSeen: device.lastSeen === undefined ? null : new Date(device.lastSeen).toISOString(),
          ...(deviceId === undefined ? {} : { deviceId }),
        });
      }
      const groups = [...controller.getGroupsIterator()].map((group) => ({
        group: group.groupID,
        ...(typeof group.meta['name'] === 'string' ? { name: group.meta['name'] } : {}),
        members: group.members.map((endpoint) => ({
          ieeeAddress: endpoint.deviceIeeeAddress,
          endpoint: endpoint.ID,
          deviceId: house.ownerOf(endpoint.deviceIeeeAddress) ?? null,
        })),
      }));
      return {
        channel,
        coordinator: { type, revision: String(meta['revision'] ?? '') },
        joining: controller.getPermitJoin(),
        devices,
        groups,
      };
    },

    createBackup: () => backup.make(),

    /** Tells where the network that the stick held is saved, or why it is not. */
    takeOverStick: async (params) => {
      const saved = await radio.takeOver(params['unsaved'] === true);
      return { state: 'done', ...saved };
    },

    changeChannel: async (params) => {
      const channel = wholeOf(params, 'channel', { min: 11, max: 26 });
      house.controller();
      await backup.make();
      await radio.changeChannel(channel);
      return { channel, state: 'done' };
    },

    /** A device that joined and belongs to no device of the gateway. */
    sendAway: async (params) => {
      const ieeeAddress = textOf(params, 'ieeeAddress').toLowerCase();
      const deviceId = house.ownerOf(ieeeAddress);
      if (deviceId !== undefined)
        throw badVerb(`${ieeeAddress} is device "${deviceId}"`, 'delete the device: it leaves then');
      const forced = await removeFromNetwork(house.controller(), ieeeAddress);
      return forced === undefined ? { left: true } : { left: false, forced };
    },
  };
}
