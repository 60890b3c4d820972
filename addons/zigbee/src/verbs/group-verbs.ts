/** Groups and scenes: devices that are told the same by one frame, and what they keep to be recalled. */
import { AddonError, isJsonObject, type JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import type { Tz } from 'zigbee-herdsman-converters';
import { commandFailure } from '../devices/command-failure.ts';
import { type Definitions, exposesOf, type KnownModel } from '../devices/definitions.ts';
import type { LastStates } from '../devices/last-states.ts';
import { plain, type Receiver } from '../devices/receiver.ts';
import { checkValues, featuresByProperty } from '../devices/value-check.ts';
import { badVerb, endpointOf, textOf, type VerbHouse, type Verbs, wholeOf } from './verb.ts';

const GROUP_MAX = 0xfff7;
const SCENE_MAX = 255;

export interface GroupVerbParts {
  house: VerbHouse;
  definitions: Definitions;
  states: LastStates;
  receiver: Receiver;
}

interface Member {
  endpoint: Models.Endpoint;
  device: Models.Device;
  model: KnownModel;
}

export function groupVerbs(parts: GroupVerbParts): Verbs {
  const { house, definitions, states, receiver } = parts;

  const groupOf = (params: JsonObject): Models.Group => {
    const id = wholeOf(params, 'group', { min: 1, max: GROUP_MAX });
    const group = house.controller().getGroupByID(id);
    if (group) return group;
    throw new AddonError('notFound', `there is no group ${id}`, { hint: 'make it first: createGroup' });
  };

  const membersOf = async (group: Models.Group): Promise<Member[]> => {
    const members: Member[] = [];
    for (const endpoint of group.members) {
      const device = endpoint.getDevice();
      const model = await definitions.of(device);
      if (model) members.push({ endpoint, device, model });
    }
    if (members.length > 0) return members;
    throw new AddonError('badRequest', `group ${group.groupID} has no members`, {
      hint: 'add one: addToGroup',
    });
  };

  /** Runs what the members' converters make of it, once for the group. */
  const tell = async (
    group: Models.Group,
    key: string,
    value: unknown,
    message: JsonObject,
  ): Promise<Tz.ConvertSetResult> => {
    const members = await membersOf(group);
    const converter = members
      .flatMap(({ model }) => model.definition.toZigbee)
      .find((each) => each.convertSet && each.key?.includes(key));
    if (!converter?.convertSet) throw badVerb(`no member of group ${group.groupID} takes "${key}"`);
    const meta: Tz.Meta = {
      message: { ...message },
      device: undefined,
      mapped: members.map(({ model }) => model.definition),
      options: {},
      state: {},
      endpoint_name: undefined,
      membersState: Object.fromEntries(
        members.map(({ device }) => [device.ieeeAddr, { ...states.of(device.ieeeAddr) }]),
      ),
      publish: () => undefined,
      deviceExposesChanged: () => undefined,
    };
    try {
      return await converter.convertSet(group, key, value, meta);
    } catch (error) {
      throw commandFailure(error, { what: `group ${group.groupID}`, sleepy: false });
    }
  };

  const scene = (command: string) => async (params: JsonObject) => {
    const group = groupOf(params);
    const id = wholeOf(params, 'scene', { min: 0, max: SCENE_MAX });
    const value =
      command === 'scene_store' && params['name'] !== undefined
        ? { ID: id, name: textOf(params, 'name') }
        : id;
    const result = await tell(group, command, value, { [command]: id });
    for (const [ieee, state] of Object.entries(result?.membersState ?? {})) receiver.note(ieee, state);
    return { group: group.groupID, scene: id };
  };

  return {
    createGroup: async (params) => {
      const { group } = params;
      const taken = new Set([...house.controller().getGroupsIterator()].map(({ groupID }) => groupID));
      let id = group === undefined ? 1 : wholeOf(params, 'group', { min: 1, max: GROUP_MAX });
      if (group === undefined) while (taken.has(id)) id += 1;
      if (taken.has(id))
        throw new AddonError('conflict', `group ${id} is there already`, { hint: 'choose another number' });
      const created = house.controller().createGroup(id);
      if (params['name'] !== undefined) created.meta['name'] = textOf(params, 'name');
      created.save();
      return { group: id };
    },

    removeGroup: async (params) => {
      const group = groupOf(params);
      // a member that does not answer keeps it in its table; nobody sends to it any more
      await group.removeFromNetwork().catch(() => group.removeFromDatabase());
      return { group: group.groupID };
    },

    addToGroup: async (params) => {
      const group = groupOf(params);
      const device = house.deviceOf(textOf(params, 'deviceId'));
      await endpointOf(device, params)
        .addToGroup(group)
        .catch((error: unknown) => {
          throw commandFailure(error, { what: device.modelID ?? device.ieeeAddr, sleepy: false });
        });
      return { group: group.groupID, members: group.members.length };
    },

    removeFromGroup: async (params) => {
      const group = groupOf(params);
      const device = house.deviceOf(textOf(params, 'deviceId'));
      await endpointOf(device, params)
        .removeFromGroup(group)
        .catch((error: unknown) => {
          throw commandFailure(error, { what: device.modelID ?? device.ieeeAddr, sleepy: false });
        });
      return { group: group.groupID, members: group.members.length };
    },

    setGroup: async (params) => {
      const group = groupOf(params);
      const { values } = params;
      if (!isJsonObject(values) || Object.keys(values).length === 0)
        throw badVerb('"values" must be an object such as {"state": "ON"}');
      const members = await membersOf(group);
      const features = new Map(
        members.flatMap(({ model, device }) => [...featuresByProperty(exposesOf(model, device))]),
      );
      checkValues(values, features, (name) => name === 'transition');
      for (const [key, value] of Object.entries(values)) {
        if (key === 'transition') continue;
        const result = await tell(group, key, value, values);
        for (const { device, model } of members) {
          const has = featuresByProperty(exposesOf(model, device));
          const state = { ...result?.state, ...result?.membersState?.[device.ieeeAddr] };
          const told = Object.fromEntries(
            Object.entries(state).filter(([name]) => has.has(name) || name === 'color_mode'),
          );
          receiver.note(device.ieeeAddr, told);
        }
      }
      return { group: group.groupID, values: plain(values) };
    },

    storeScene: scene('scene_store'),
    recallScene: scene('scene_recall'),
    removeScene: scene('scene_remove'),
  };
}
