/** Bindings (a switch that speaks to a lamp by itself) and what devices report, and how often. */
import { AddonError, type JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import { commandFailure } from '../devices/command-failure.ts';
import { isSleepy } from '../devices/receiver.ts';
import { badVerb, endpointOf, textOf, type VerbHouse, type Verbs, wholeOf } from './verb.ts';

/** What is bound where nothing is said: those of these clusters that the one sends and the other takes. */
const USUAL_CLUSTERS = [
  'genOnOff',
  'genLevelCtrl',
  'lightingColorCtrl',
  'closuresWindowCovering',
  'genScenes',
  'hvacThermostat',
];
const SECONDS_MAX = 0xffff;

export function linkVerbs(house: VerbHouse): Verbs {
  const linked = (unbind: boolean) => async (params: JsonObject) => {
    const device = house.deviceOf(textOf(params, 'deviceId'));
    const source = endpointOf(device, params);
    const target = targetOf(house, params);
    const clusters = clustersOf(params, source, target);
    for (const cluster of clusters) {
      const work = unbind ? source.unbind(cluster, target) : source.bind(cluster, target);
      await work.catch((error: unknown) => {
        throw commandFailure(error, { what: device.modelID ?? device.ieeeAddr, sleepy: isSleepy(device) });
      });
    }
    return { deviceId: textOf(params, 'deviceId'), clusters };
  };

  return {
    bind: linked(false),
    unbind: linked(true),

    configureReporting: async (params) => {
      const device = house.deviceOf(textOf(params, 'deviceId'));
      const endpoint = endpointOf(device, params);
      const cluster = textOf(params, 'cluster');
      const attribute = textOf(params, 'attribute');
      const minimumReportInterval = wholeOf(params, 'minSeconds', { min: 0, max: SECONDS_MAX });
      const maximumReportInterval = wholeOf(params, 'maxSeconds', { min: 0, max: SECONDS_MAX });
      const { change } = params;
      if (change !== undefined && typeof change !== 'number') throw badVerb('"change" must be a number');
      if (!endpoint.supportsInputCluster(cluster)) {
        const names = endpoint.getInputClusters().map(({ name }) => name);
        throw badVerb(`endpoint ${endpoint.ID} has no cluster "${cluster}"`, `it has ${names.join(', ')}`);
      }
      const item = {
        attribute,
        minimumReportInterval,
        maximumReportInterval,
        ...(change === undefined ? {} : { reportableChange: change }),
      };
      const coordinator = house.controller().getDevicesByType('Coordinator')[0]?.endpoints[0];
      try {
        if (coordinator) await endpoint.bind(cluster, coordinator);
        await endpoint.configureReporting(cluster, [item as never]);
      } catch (error) {
        throw commandFailure(error, { what: device.modelID ?? device.ieeeAddr, sleepy: isSleepy(device) });
      }
      return { cluster, attribute, minSeconds: minimumReportInterval, maxSeconds: maximumReportInterval };
    },
  };
}

function targetOf(house: VerbHouse, params: JsonObject): Models.Endpoint | Models.Group {
  if (params['toGroup'] !== undefined) {
    const id = wholeOf(params, 'toGroup', { min: 1, max: 0xfff7 });
    const group = house.controller().getGroupByID(id);
    if (group) return group;
    throw new AddonError('notFound', `there is no group ${id}`, { hint: 'make it first: createGroup' });
  }
  if (params['toDeviceId'] !== undefined) {
    return endpointOf(house.deviceOf(textOf(params, 'toDeviceId')), params, 'toEndpoint');
  }
  const coordinator = house.controller().getDevicesByType('Coordinator')[0]?.endpoints[0];
  if (coordinator) return coordinator;
  throw new AddonError('coordinatorNotReady', 'the coordinator is not ready', { hint: 'try again' });
}

function clustersOf(
  params: JsonObject,
  source: Models.Endpoint,
  target: Models.Endpoint | Models.Group,
): string[] {
  const { clusters } = params;
  if (clusters !== undefined) {
    if (Array.isArray(clusters) && clusters.length > 0 && clusters.every((each) => typeof each === 'string'))
      return clusters;
    throw badVerb('"clusters" must be a list of names');
  }
  const usual = USUAL_CLUSTERS.filter((cluster) => {
    if ('groupID' in target) return source.supportsOutputCluster(cluster);
    const isCoordinator = target.getDevice().type === 'Coordinator';
    if (isCoordinator) return source.supportsInputCluster(cluster) || source.supportsOutputCluster(cluster);
    return source.supportsOutputCluster(cluster) && target.supportsInputCluster(cluster);
  });
  if (usual.length > 0) return usual;
  throw badVerb(
    'the two have no cluster that one sends and the other takes',
    'name them: "clusters": ["genOnOff"]',
  );
}
