/** The link to the cloud. This file and all that it imports is loaded for a gateway that has one. */
import { Cloud } from '../cloud/cloud.ts';
import { CloudTopics } from '../cloud/topics.ts';
import type { CloudSettings } from '../config/cloud-settings.ts';
import type { SoftwareUpdates } from '../core/upkeep/software-updates.ts';
import type { Addons } from './addons.ts';
import type { Ground } from './ground.ts';
import type { House } from './house.ts';
import { startRelay } from './relay.ts';

export async function startCloud(
  ground: Ground,
  options: CloudSettings,
  parts: House & Addons & { updates: SoftwareUpdates },
): Promise<void> {
  const { running, health, events, logger, version, builtAt, now, monotonicNow } = ground;
  const { devices, types, pairing, commands, protocols, installations, updates } = parts;
  const { projectId, gatewayId } = devices;
  const topics = new CloudTopics({ projectId, gatewayId, environment: options.environment });
  // stopped after the link, which hands it the last acknowledgements
  const relay = options.relays
    ? await startRelay(ground, parts, {
        list: topics.of('data'),
        ofDevice: (deviceId) => devices.find(deviceId)?.topic,
      })
    : undefined;
  const cloud = new Cloud({
    options,
    topics,
    relay,
    devices,
    types,
    pairing,
    commands,
    protocols,
    installations,
    updates,
    health,
    events,
    logger,
    version,
    builtAt,
    now,
    monotonicNow,
    random: Math.random,
  });
  await running.run(cloud);
}
